"""What a driver makes of Ray's errors, without a cluster."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.workers.cluster.home import Arrivals
from pipeline.workers.cluster.needs import Need
from pipeline.workers.cluster.order import Began
from pipeline.workers.cluster.ray_pool import RayPool, _Running
from pipeline.workers.pool import Ended, Work

NAME = "search@a"


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RayPool:
    """A driver with one stage on a node, which starts others as often as it is asked to."""
    pytest.importorskip("ray", reason="Ray is not installed")
    pool = object.__new__(RayPool)
    pool._needs, pool._running, pool._arrived = {"search": Need()}, {}, {}

    def start(work: Work, need: dict[str, float], attempt: int) -> _Running:
        arrivals = Arrivals(tmp_path, work.stage, ())
        return _Running(work, need, iter([1]), arrivals, attempt, Began("n1", "id", 1))

    monkeypatch.setattr(pool, "_start", start)
    pool._running[NAME] = start(Work(NAME, "true", tmp_path, {}), {"CPU": 1}, 1)
    return pool


def hears(pool: RayPool, error: Exception) -> list[Ended]:
    def get(message: Any) -> Any:
        raise error

    pool._ray = SimpleNamespace(get=get)
    return list(pool._hear(pool._running[NAME]))


def test_a_node_without_memory_ends_the_stage_and_says_what_to_ask_for(pool: RayPool) -> None:
    from ray.exceptions import OutOfMemoryError

    (ended,) = hears(pool, OutOfMemoryError("the node has no memory left"))
    assert ended.failure and "ran out of memory: ask for more memory for search" in ended.failure
    assert not pool._running and not pool._arrived


def test_a_node_that_is_cut_off_is_tried_elsewhere_up_to_three_times(
    pool: RayPool, caplog: pytest.LogCaptureFixture
) -> None:
    from ray.exceptions import NodeDiedError

    caplog.set_level("INFO")
    for attempt in (2, 3):
        assert hears(pool, NodeDiedError("health check failed")) == []
        assert f"was lost with n1 (NodeDiedError): attempt {attempt} of 3" in caplog.messages[-1]
        assert pool._running[NAME].attempt == attempt
    (ended,) = hears(pool, NodeDiedError("health check failed"))
    assert ended.failure and "was lost 3 times, the last time with n1" in ended.failure
