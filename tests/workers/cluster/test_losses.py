"""What a driver makes of Ray's errors, without a cluster."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.workers.cluster.attempt import SILENCE, Attempt, Member
from pipeline.workers.cluster.home import Arrivals
from pipeline.workers.cluster.needs import Need
from pipeline.workers.cluster.order import Began, Done, Gone, Message, Part, Said
from pipeline.workers.cluster.ray_pool import RayPool
from pipeline.workers.pool import Ended, Work

NAME = "search@a"
EACH = {"CPU": 1.0}


@pytest.fixture
def pool(tmp_path: Path) -> RayPool:
    """A driver with one stage on two nodes, which starts others as often as it is asked to."""
    pytest.importorskip("ray", reason="Ray is not installed")
    pool = object.__new__(RayPool)
    pool._running, pool._arrived, pool._at_home = {}, {}, set()
    ended: list[Attempt] = []

    def start(work: Work, need: Need, each: dict[str, float], number: int) -> Attempt:
        began = (Began(name, "id", 1) for name in ("n1", "n2"))
        members = [Member(Messages(), one, runs=True) for one in began]
        return Attempt(work, need, each, members, Arrivals(tmp_path, work.stage, ()), number)

    pool._launcher = SimpleNamespace(start=start, end=ended.append, ended=ended)
    pool._ray = SimpleNamespace(get=got, wait=lambda streams, **_: (waiting(streams), []))
    pool._running[NAME] = start(Work(NAME, "true", tmp_path, {}), Need(), EACH, 1)
    return pool


class Messages:
    """What a node says, as a test has it say: messages, an error, or None for the end."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def __next__(self) -> Any:
        message = self.given.pop(0)
        if message is None:
            raise StopIteration
        return message


def got(message: Any) -> Any:
    if isinstance(message, Exception):
        raise message
    return message


def waiting(streams: list[Messages]) -> list[Messages]:
    return [one for one in streams if one.given]


def hears(pool: RayPool, *said: Any, node: int = 0) -> list[Ended]:
    """What the driver makes of a node's next messages."""
    messages = pool._running[NAME].members[node].messages
    messages.given += said
    ended: list[Ended] = []
    while messages.given:
        ended += pool._poll_cluster(0.0)
    return ended


def test_a_node_without_memory_ends_the_stage_and_says_what_to_ask_for(pool: RayPool) -> None:
    from ray.exceptions import OutOfMemoryError

    (ended,) = hears(pool, OutOfMemoryError("the node has no memory left"))
    assert ended.failure and "ran out of memory: ask for more memory for search" in ended.failure
    assert not pool._running and not pool._arrived and len(pool._launcher.ended) == 1


def test_a_node_that_is_cut_off_is_tried_elsewhere_up_to_three_times(
    pool: RayPool, caplog: pytest.LogCaptureFixture
) -> None:
    from ray.exceptions import NodeDiedError

    caplog.set_level("INFO")
    for attempt in (2, 3):
        assert hears(pool, NodeDiedError("health check failed")) == []
        assert f"was lost with n1 (NodeDiedError): attempt {attempt} of 3" in caplog.messages[-1]
        assert pool._running[NAME].number == attempt
        # What runs on the other node ends too.
        assert len(pool._launcher.ended) == attempt - 1
    (ended,) = hears(pool, NodeDiedError("health check failed"))
    assert ended.failure and "was lost 3 times, the last time with n1" in ended.failure


def test_a_stage_on_two_nodes_has_ended_when_both_have(pool: RayPool) -> None:
    assert hears(pool, Done(None), None) == []
    (ended,) = hears(pool, Done(None), None, node=1)
    assert ended.failure is None and NAME in pool._arrived


def test_what_fails_since_another_node_is_lost_is_no_failure(
    pool: RayPool, caplog: pytest.LogCaptureFixture
) -> None:
    from ray.exceptions import NodeDiedError

    caplog.set_level("INFO")
    # The survivor's processes miss the others before Ray misses the node.
    assert hears(pool, Said([]), Done("failed"), None) == []
    assert hears(pool, NodeDiedError("health check failed"), node=1) == []
    assert "was lost with n2 (NodeDiedError): attempt 2 of 3" in caplog.messages[-1]
    assert pool._running[NAME].number == 2


def test_a_failure_counts_once_every_node_has_told_its_end(pool: RayPool) -> None:
    assert hears(pool, Said([]), Done("failed"), None, node=1) == []
    (ended,) = hears(pool, Done("failed as another did"), None)
    assert ended.failure == "failed"


def test_a_failure_counts_when_no_node_was_found_lost_for_a_while(pool: RayPool) -> None:
    assert hears(pool, Said([]), Done("failed"), None) == []
    first, second = pool._running[NAME].members
    # It still says that it runs: it waits for processes that are gone.
    first.heard -= SILENCE + 1
    assert second.silent(second.heard) is None
    (ended,) = hears(pool, Said([]), node=1)
    assert ended.failure == "failed" and len(pool._launcher.ended) == 1


def test_a_node_that_is_refused_ends_the_stage_at_once(pool: RayPool) -> None:
    pool._running[NAME].members[1].runs = False
    (ended,) = hears(pool, Done("is refused on n2"), None, node=1)
    assert ended.failure == "is refused on n2"


@pytest.mark.parametrize("heard", [Said([]), Part("a", 0, b"1", True), Gone("a")])
def test_a_node_is_waited_for_a_minute_once_its_command_was_heard_to_run(
    pool: RayPool, heard: Message
) -> None:
    (member, _) = pool._running[NAME].members
    member.runs = False
    assert hears(pool, Began("n1", "id", 1)) == []
    assert member.silent(member.heard + SILENCE + 1) is None
    # What it wrote is sent before what it said.
    assert hears(pool, heard) == []
    assert member.silent(member.heard + SILENCE + 1) == SILENCE
