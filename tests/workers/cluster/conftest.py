from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from pipeline.workers import process

ROOT = Path(__file__).parents[3]
# Ray's workers are as important here as what else runs.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}


@dataclass(frozen=True)
class Two:
    """A cluster of two nodes: one that sees the study's folder, one with a folder of its own."""

    address: str
    folder: Path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    pytest.importorskip("ray", reason="Ray is not installed")
    os.environ |= QUIET
    folder = tmp_path_factory.mktemp("node")
    cluster = patiently(lambda: started(folder))
    yield Two(cluster.address, folder)
    cluster.shutdown()


def started(folder: Path) -> Any:
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    cluster.add_node(**size, env_vars={"PIPELINE_NODE_FOLDER": str(folder)})
    return cluster


def patiently(start: Callable[[], Any]) -> Any:
    """On a busy machine a node may be slower than Ray waits for it, which is half a minute."""
    for _ in range(2):
        with suppress(Exception):
            return start()
    return start()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty study with the project's code, whose forks load next to nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(process, "LIBRARIES", ["json"])
    Repo.init(no_scm=True).close()
    # Enough of the code to run a driver; DVC looks into none of it here.
    ignored = shutil.ignore_patterns("__pycache__", "assets")
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=ignored)
    (tmp_path / "source").write_text("1")
    return tmp_path
