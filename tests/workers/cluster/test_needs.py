from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.workers.cluster.needs import GIB, Need, read_needs


def test_without_a_file_what_computes_goes_with_a_gpu_if_there_are_any(tmp_path: Path) -> None:
    needs = read_needs(tmp_path / "cluster.yaml")
    assert sorted(needs) == ["baseline", "bound", "its", "pretrain", "search"]
    assert needs["search"].resources(any_gpus=True) == {"CPU": 1, "GPU": 1, "memory": 0}
    assert needs["search"].resources(any_gpus=False)["GPU"] == 0


def test_a_kind_has_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("pretrain: {cpus: 8, gpus: 2, memory: 1.5}\ntask: {}\n")
    needs = read_needs(path)
    wanted = {"CPU": 8, "GPU": 2, "memory": 1.5 * GIB}
    assert needs["pretrain"].resources(any_gpus=False) == wanted
    assert needs["task"] == needs["search"] == Need()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("search: {cpu: 1}", "did you mean 'cpus'"),
        ("search: {cpus: 0}", "cpus is 0.0, but must be above 0"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "cluster.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        read_needs(tmp_path / "cluster.yaml")
