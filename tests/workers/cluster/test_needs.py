from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.workers.cluster.needs import GIB, STAY, TRAVEL, Need, read_needs
from pipeline.workers.cluster.orders import Orders
from pipeline.workers.pool import Work

ROOT = Path(__file__).parents[3]


def test_without_a_file_what_computes_goes_with_a_gpu_if_there_are_any(tmp_path: Path) -> None:
    needs = read_needs(tmp_path / "cluster.yaml")
    assert set(needs) == set(TRAVEL)
    assert needs["search"].resources(any_gpus=True) == {"CPU": 1, "GPU": 1, "memory": 0}
    assert needs["search"].resources(any_gpus=False)["GPU"] == 0


def test_of_every_stage_it_is_known_whether_it_goes_to_the_cluster() -> None:
    """A stage that measures a model is told by what it writes: on which machine it did."""
    stages = read_yaml(ROOT / "dvc.yaml")["stages"]
    assert sorted(stages) == sorted((*TRAVEL, *STAY))
    outs = {kind: str(stage.get("do", stage)["outs"]) for kind, stage in stages.items()}
    measuring = {kind for kind, made in outs.items() if "results/machine/" in made}
    assert measuring == {*TRAVEL} - {"pretrain"}


def test_a_kind_has_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("pretrain: {cpus: 8, gpus: 2, memory: 1.5}\ntask: {}\n")
    needs = read_needs(path)
    wanted = {"CPU": 8, "GPU": 2, "memory": 1.5 * GIB}
    assert needs["pretrain"].resources(any_gpus=False) == wanted
    assert needs["task"] == needs["search"] == Need()


def test_a_search_that_trains_several_probes_at_a_time_has_cores_for_each(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("search: {cpus: 2, parallel: 3, gpus: 1}")
    need = read_needs(path)["search"]
    assert need.resources(any_gpus=True) == {"CPU": 6, "GPU": 1, "memory": 0}
    work = Work("search@a", "true", tmp_path, {}, (), (), anew=False)
    (order,) = Orders(tmp_path).make(work, need, 1)
    assert order.variables == {"OMP_NUM_THREADS": "2", "PIPELINE_PARALLEL": "3"}
    (order,) = Orders(tmp_path).make(work, Need(), 1)
    assert "PIPELINE_PARALLEL" not in order.variables


def test_pretraining_uses_the_gpus_of_its_node_together() -> None:
    need = Need(gpus=4)
    assert need.variables("pretrain")["PIPELINE_PROCESSES"] == "4"
    assert "PIPELINE_PROCESSES" not in need.variables("baseline") | Need().variables("pretrain")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("search: {nodes: 2}", "nodes is 2, but only pretrain trains on several: leave it out"),
        ("baseline: {parallel: 2}", "parallel is 2, but only search spreads its trainings"),
        ("serach: {cpus: 1}", "cluster.yaml: no stage is a serach: did you mean 'search'?"),
        ("search: {cpu: 1}", "did you mean 'cpus'"),
        ("search: {cpus: 0}", "cpus is 0.0, but must be above 0"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "cluster.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        read_needs(tmp_path / "cluster.yaml")
