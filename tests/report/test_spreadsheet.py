from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.report.spreadsheet import neutralised, restored
from pipeline.report.tables import collect, read_tables, write_tables
from tests.report.conftest import CELLS

FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "'=1", "''-1"]
PLAIN = ["", "MNLI", "it's", "'quoted'", "a=b", "1e-3"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    frame = pd.DataFrame({"label": [text], "number": [-1.0]})
    assert neutralised(frame)["label"].tolist() == [f"'{text}"]
    assert neutralised(frame)["number"].tolist() == [-1.0]
    assert restored(neutralised(frame)).equals(frame)


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays(text: str) -> None:
    frame = pd.DataFrame({"label": [text]})
    assert neutralised(frame).equals(frame) and restored(frame).equals(frame)


def test_tables_have_no_formula_and_read_as_they_were(results: Path, tmp_path: Path) -> None:
    tables = collect(results, CELLS, [])
    tables.cells["label"] = '=HYPERLINK("x")'
    write_tables(tables, tmp_path)
    assert ",\"'=HYPERLINK(" in (tmp_path / "cells.csv").read_text()
    again = read_tables(tmp_path).cells
    assert again["label"].tolist() == tables.cells["label"].tolist()
