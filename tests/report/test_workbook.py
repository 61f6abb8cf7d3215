from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.report.tables import NAMES, collect, write_tables
from pipeline.report.workbook import sheet_names, write_workbook
from tests.report.conftest import CELLS, TASKS


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (["all", "easy"], ["all", "easy"]),
        (["all", "All", "ALL"], ["all", "All~2", "ALL~3"]),
        (["a/b", "a:b", "[x]"], ["a_b", "a_b~2", "_x_"]),
        (["t" * 40, "t" * 41], ["t" * 31, "t" * 29 + "~2"]),
        (["'", "history", "'q'"], ["_", "history~2", "q"]),
    ],
)
def test_sheets_have_names_that_a_workbook_can_have(wanted: list[str], names: list[str]) -> None:
    assert sheet_names([(name, None) for name in wanted]) == names


def test_the_workbook_reads_back_a_sheet_a_task_and_one_of_all(
    results: Path, tmp_path: Path
) -> None:
    tables = collect(results, CELLS, [])
    write_tables(tables, tmp_path)
    sheets = pd.read_excel(tmp_path / "study.xlsx", sheet_name=None)
    behind = ["movement", "costs", "epochs", "success", "learning"]
    assert list(sheets) == ["all", *TASKS, "probes", "trends", *behind]
    assert len(sheets["all"]) == 12 and len(sheets["easy"]) == 4
    assert list(sheets["all"].columns) == list(tables.cells.columns)
    assert sheets["easy"]["d90"].tolist() == [2048, 512, 128, 32]
    assert sheets["all"]["full_metric"].tolist() == tables.cells["full_metric"].tolist()
    assert sheets["late"]["d90"].isna().tolist() == [True, True, False, False]


def test_a_formula_is_text_and_a_table_is_the_same_bytes_twice(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    texts = ['=HYPERLINK("http://x")', "+1", "http://x", "'=1", "12"]
    frame = pd.DataFrame({"task": texts, "truth": [True] * 5, "d": pd.array([1, None, 3, 4, 5])})
    tables = {
        "cells": frame,
        **{name: frame.head(0) for name in ("probes", "trends", "table1", "sweep")},
    }
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(tables, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    sheet = load_workbook(tmp_path / "a.xlsx")["all"]
    cells = [sheet.cell(row, 1) for row in range(2, 7)]
    assert [(cell.value, cell.data_type) for cell in cells] == [(text, "s") for text in texts]
    assert all(cell.hyperlink is None for cell in cells)
    assert [sheet.cell(row, 3).value for row in range(2, 7)] == [1, None, 3, 4, 5]


def test_parquet_has_types_and_the_text_as_it_is(results: Path, tmp_path: Path) -> None:
    tables = collect(results, CELLS, [])
    tables.cells["label"] = "=cmd()"
    write_tables(tables, tmp_path)
    assert {path.stem for path in (tmp_path / "parquet").iterdir()} == set(NAMES)
    cells = pd.read_parquet(tmp_path / "parquet/cells.parquet")
    # Text may come back as another of pandas' types of text.
    pd.testing.assert_frame_equal(cells, tables.cells, check_dtype=False, check_exact=True)
    assert cells["d90"].dtype == "Int64" and cells["full_metric"].dtype == "float64"
    assert (cells["label"] == "=cmd()").all()
    probes = pd.read_parquet(tmp_path / "parquet/probes.parquet")
    assert probes.groupby("task")["d"].max().to_dict() == {"easy": 2049, "late": 1025}
