"""Where cells lie, also where there is no cell."""

from __future__ import annotations

from pathlib import Path

from pipeline.report.known import located, placed
from pipeline.report.tables import collect
from tests.report.conftest import CELLS


def test_of_no_cell_none_is_placed_and_the_columns_stay(results: Path) -> None:
    cells = collect(results, CELLS, []).cells
    assert len(located(cells)) == 8
    none = located(cells.iloc[:0])
    assert none.empty and list(none.columns) == list(cells.columns)
    assert placed(cells, "open").empty and "task" in placed(cells, "open")
