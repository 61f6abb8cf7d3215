"""A command on two nodes of which one dies: all of it ends, and goes on from what came home."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.processes import Process
from pipeline.workers.cluster.ray_pool import RayPool
from pipeline.workers.driver import reproduce
from tests.running.conftest import eventually, written
from tests.workers.cluster.conftest import QUIET, patiently

# A process of torchrun. At first the first one leaves a row and waits, and the second, once that has
# come home, names its node: Ray's process there is the parent of the worker that it descends from.
TOGETHER = """
import json, os, time
from pathlib import Path
from pipeline.common.processes import stat_fields
from pipeline.running.parents import end_with_parent

end_with_parent(os.getppid())
home, scratch = Path(HOME), Path(".scratch/pretrain/both")
first, rows = os.environ["RANK"] == "0", scratch / "rows.jsonl"
if rows.exists():
    seen = {name: os.environ[name] for name in ("RANK", "WORLD_SIZE", "GROUP_RANK")}
    text = json.dumps({**seen, "rows": rows.read_text(), "folder": os.getcwd()})
    Path("both").write_text(text) if first else (home / "second").write_text(text)
elif first:
    scratch.mkdir(parents=True)
    (home / "pid").write_text(str(os.getpid()))
    rows.write_text("row\\n")
    time.sleep(600)
else:
    while not (home / rows).exists():
        time.sleep(0.1)
    node = os.getpid()
    for _ in range(4):
        node = int(stat_fields(node)[1])
    (home / "new").write_text(str(node))
    os.rename(home / "new", home / "node")
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A cluster of three nodes with folders of their own, beside the driver's."""
    pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster

    os.environ |= QUIET
    size = {"object_store_memory": 80 << 20}
    head = {**size, "num_cpus": 0, "include_dashboard": False}
    cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
    for number in range(3):
        folder = tmp_path_factory.mktemp(f"node{number}")
        variables = {"PIPELINE_NODE_FOLDER": str(folder)}
        cluster.add_node(**size, num_cpus=1, env_vars=variables)
    yield cluster
    cluster.shutdown()


def lose(cluster: Any, named: Path) -> None:
    """End the node whose process a file names, once it does, and all that runs there."""
    pid = int(written(named))
    (node,) = (
        one for one in cluster.worker_nodes if one.all_processes["raylet"][0].process.pid == pid
    )
    cluster.remove_node(node, allow_graceful=False)


def test_a_node_that_dies_ends_the_whole_attempt_and_the_next_goes_on(
    three: Any, repository: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    (repository / "together.py").write_text(TOGETHER.replace("HOME", repr(str(repository))))
    (repository / "cluster.yaml").write_text("pretrain: {nodes: 2, memory: 0.1}")
    stage = {"cmd": "python -m together", "deps": ["together.py"], "outs": ["both"]}
    graph = {"stages": {"pretrain": {"foreach": ["both"], "do": stage}}}
    (repository / "dvc.yaml").write_text(json.dumps(graph))
    losing = threading.Thread(target=lose, args=(three, repository / "node"))
    losing.start()
    reproduce([], 1, pool=RayPool(three.address, 1, repository))
    losing.join()
    assert "'pretrain@both' was lost with" in caplog.text and "attempt 2 of 3" in caplog.text
    first, second = (json.loads((repository / name).read_text()) for name in ("both", "second"))
    # Each is the only process of its node, and both saw what the first attempt had sent home.
    for number, one in enumerate((first, second)):
        assert (one["RANK"], one["GROUP_RANK"]) == (str(number), str(number))
        assert one["WORLD_SIZE"] == "2" and one["rows"] == "row\n"
    assert first["folder"] != second["folder"] and str(repository) not in first["folder"]
    survivor = int((repository / "pid").read_text())
    assert eventually(lambda: Process.of(survivor) is None)
