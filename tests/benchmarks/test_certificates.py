"""The benchmark of certificates on a cell of a study's kind, made in a folder of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import certificates
from pipeline import paths
from pipeline.certificates.config import CertificateConfig
from pipeline.study.params import Params
from pipeline.study.tasks import TaskConfig
from tests.certificates.test_certify import SEARCH, certifier, full
from tests.worlds import FINETUNE, task_config


def test_a_cell_is_certified_on_as_many_rows_as_are_asked_for(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The study's own task has 480 rows; rows that repeat another do not count."""
    _, found = certifier(world, tmp_path / "scratch")
    task = TaskConfig(task_config("polarity_short"), replace(FINETUNE, epochs=1))
    params = Params(0, {"polarity_short": task}, replace(SEARCH, epochs=1))
    monkeypatch.chdir(tmp_path)
    for place, target in ((paths.TOKENIZER, "tokenizer"), (paths.model("s0"), "model")):
        place.parent.mkdir(parents=True)
        place.symlink_to(world / target)
    full().write(paths.full_result("s0", "polarity_short"))
    found.write(paths.search("s0", "polarity_short") / "result.json")
    result = certificates.certify(
        params, "s0", "polarity_short", CertificateConfig((64,), (3,), epochs=1),
        rows=900, epochs=1, folder=tmp_path / "made",
    )  # fmt: skip
    assert result.rows + result.duplicates == 900 and [one.d for one in result.candidates] == [
        32,
        64,
    ]
    row = certificates.line(result).strip("| ").split(" | ")
    assert len(row) == len(certificates.COLUMNS) and row[:3] == [
        "s0",
        "polarity_short",
        str(result.rows),
    ]
