"""The study on two nodes of a cluster that have neither its folder nor each other's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common.artifacts import sha256
from pipeline.workers import process
from pipeline.workers.cluster.ray_pool import RayPool
from pipeline.workers.driver import reproduce
from pipeline.workers.options import Options
from tests.repro.conftest import Study, chdir, tiny_params
from tests.workers.cluster.conftest import QUIET, patiently

pytestmark = pytest.mark.repro


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a cluster of two nodes, each with a core and a folder of its own."""
    pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster

    os.environ |= QUIET
    sizes = [
        {
            "num_cpus": 1,
            "object_store_memory": 80 << 20,
            "env_vars": {"PIPELINE_NODE_FOLDER": str(tmp_path_factory.mktemp(name))},
        }
        for name in ("first", "second")
    ]
    head = {**sizes[0], "include_dashboard": False}
    cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
    patiently(lambda: cluster.add_node(**sizes[1]))
    yield cluster.address
    cluster.shutdown()


def test_two_nodes_leave_the_bytes_of_one_machine_and_get_each_content_once(
    address: str, finished: Study, tmp_path: Path
) -> None:
    study = Study.create(tmp_path / "study")
    study.write(tiny_params())
    with chdir(study.folder):
        pool = RayPool(address, 1, study.folder)
        reproduce([], 1, pool=pool)
    assert study.tables() == finished.tables()
    for name in ("dvc.lock", "reports/index.html"):
        assert (study.folder / name).read_bytes() == (finished.folder / name).read_bytes(), name
    assert study.cached() == finished.cached()
    times = pool.sent.times
    assert set(times.values()) == {1}
    nodes = {node for node, _ in times}
    assert len(nodes) == 2
    # Four cells on two nodes: each checkpoint was needed by both.
    for name in ("s0", "s8"):
        weights = sha256(study.folder / "checkpoints" / name / "model/model.safetensors")
        assert [times[node, weights] for node in nodes] == [1, 1], name


def test_a_segment_on_two_nodes_has_the_bytes_of_one_with_as_many_processes(
    address: str, finished: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each process that torchrun starts loads its own.
    monkeypatch.setattr(process, "LIBRARIES", ["json"])
    here, there = finished.copy(tmp_path / "here"), finished.copy(tmp_path / "there")
    again = ("pretrain@s8", "--force", "--single-item", "--jobs", "1")
    done = here.command(
        "python", "-m", "pipeline", "repro", *again, PIPELINE_PROCESSES="2", OMP_NUM_THREADS="1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (there.folder / "cluster.yaml").write_text("pretrain: {nodes: 2}")
    with chdir(there.folder):
        again_only = Options(force=True, single_item=True)
        reproduce(["pretrain@s8"], 1, again_only, RayPool(address, 1, there.folder))
    assert made(there) == made(here) != made(finished)


def made(study: Study) -> dict[str, bytes]:
    """What the segment left."""
    files = [study.folder / "results/pretraining/s8.jsonl"]
    files += [path for path in (study.folder / "checkpoints/s8").rglob("*") if path.is_file()]
    return {str(path.relative_to(study.folder)): path.read_bytes() for path in files}
