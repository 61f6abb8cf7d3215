from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.report.tables import collect, write_tables
from tests.report.conftest import CELLS, full_result, search_result, write_cell

ROOT = Path(__file__).parents[3]


def study(folder: Path, results: Path, params: str) -> Path:
    """A folder with the tables of these results, as a finished study leaves them."""
    write_tables(collect(results, CELLS, []), folder / "reports")
    (folder / "params.yaml").write_text(params)
    return folder


@pytest.fixture
def studies(results: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two studies of other seeds: easy at s10 moved, late at s0 has a d90, never lost s1000."""
    text = (ROOT / "presets/laptop.yaml").read_text()
    one = study(tmp_path / "one", results, text)
    other = tmp_path / "moved"
    shutil.copytree(results, other)
    easy = full_result("s10", "easy", 0.85, 1.0)
    write_cell(other, easy, search_result(easy, 64, "ok"))
    late = full_result("s100", "late", 0.7, 0.75)
    write_cell(other, late, search_result(late, None, "baseline_at_chance", "no better"))
    return one, study(tmp_path / "two", other, text.replace("seed: 0", "seed: 7"))
