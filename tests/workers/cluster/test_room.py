"""Whether a cluster has what a stage needs, without a cluster."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.attack.tiny import tiny_params, write_params
from pipeline.__main__ import _cluster
from pipeline.errors import UserError
from pipeline.study.reading import load_params
from pipeline.workers.cluster.attempt import Attempt, Member
from pipeline.workers.cluster.home import Arrivals
from pipeline.workers.cluster.needs import Need
from pipeline.workers.cluster.ray_pool import RayPool
from pipeline.workers.pool import Work

STAGE = "pretrain@s8"
TOGETHER = Need(nodes=2, gpus=8)


def pool(*gpus: int, running: dict[str, Attempt] | None = None) -> RayPool:
    """A driver of nodes with so many GPUs."""
    pool = object.__new__(RayPool)
    pool._needs = {"pretrain": TOGETHER, "search": Need()}
    pool._nodes = [{"CPU": 16.0, "GPU": float(count)} for count in gpus]
    pool._looked = time.monotonic() + 100
    pool._running = running or {}
    return pool


def attempt(root: Path, need: Need) -> Attempt:
    members = [Member(None) for _ in range(need.nodes)]
    return Attempt(
        Work(STAGE, "true", root, {}), need, need.resources(True), members,
        Arrivals(root, STAGE, ()),
    )  # fmt: skip


def test_several_nodes_must_each_have_what_is_asked_for(tmp_path: Path) -> None:
    assert pool(8, 8).has_room(STAGE)
    with pytest.raises(
        UserError, match=r"^fewer than 2 nodes of the cluster have what pretrain@s8"
    ):
        pool(8, 7).has_room(STAGE)
    # A node may come back while something runs; and what runs has part of it.
    search = {"search@a": attempt(tmp_path, Need())}
    assert not pool(8, running=search).has_room(STAGE)
    assert not pool(8, 8, running=search).has_room(STAGE)
    # What runs on two nodes has both.
    assert not pool(8, 8, running={STAGE: attempt(tmp_path, TOGETHER)}).has_room("search@a")
    assert pool(8, 9, running={STAGE: attempt(tmp_path, TOGETHER)}).has_room("search@a")


def test_fairseq_trains_on_one_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cluster.yaml").write_text("pretrain: {nodes: 2}")
    params = tiny_params()
    params["pretrain"]["backend"] = "fairseq"
    write_params(tmp_path, params)
    with pytest.raises(UserError, match=r"pretrain: nodes is 2, but fairseq trains on one"):
        _cluster(load_params(), "127.0.0.1:1", 1)
