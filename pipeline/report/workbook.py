"""The tables as one workbook for a spreadsheet: a sheet of all cells, and one a task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import atomic_file

# What a sheet's name cannot hold, how long it may be, and a name that spreadsheets keep.
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_LONGEST = 31
_RESERVED = "history"
# Text that looks like a formula or an address stays text.
_AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
# A workbook says when it was made; the same tables are to make the same bytes.
_MADE = datetime(2000, 1, 1)
_WIDEST = 28


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write ``all`` with every cell, a sheet with each task's cells, and the other tables.

    Every sheet has a header that stays in view and filters. A table without rows has no sheet.

    Args:
        tables: by name, as `pipeline.report.tables` has them, in the order of the sheets.
        path: where the workbook goes.
    """
    from xlsxwriter import Workbook

    with atomic_file(path) as temporary, Workbook(temporary, _AS_TEXT) as book:
        book.set_properties({"created": _MADE})
        bold = book.add_format({"bold": True, "bottom": 1})
        sheets = _sheets(tables)
        for name, (_, frame) in zip(sheet_names(sheets), sheets, strict=True):
            _fill(book.add_worksheet(name), frame, bold)


def sheet_names(sheets: Iterable[tuple[str, object]]) -> list[str]:
    """Names that a workbook can have, all different whatever their letters' case."""
    names: list[str] = []
    taken = {_RESERVED}
    for wanted, _ in sheets:
        plain = _FORBIDDEN.sub("_", wanted).strip("'")[:_LONGEST] or "_"
        name, number = plain, 1
        while name.lower() in taken:
            number += 1
            name = f"{plain[: _LONGEST - len(str(number)) - 1]}~{number}"
        taken.add(name.lower())
        names.append(name)
    return names


def _sheets(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, pd.DataFrame]]:
    cells = tables["cells"]
    tasks = [(str(task), rows) for task, rows in cells.groupby("task", sort=False)]
    further = [(name, rows) for name, rows in tables.items() if name != "cells" and len(rows)]
    return [("all", cells), *tasks, *further]


def _fill(sheet: Any, frame: pd.DataFrame, bold: Any) -> None:
    """Write a table; what is missing stays empty."""
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
    for place, name in enumerate(frame.columns):
        sheet.write_string(0, place, str(name), bold)
        sheet.set_column(place, place, min(_WIDEST, max(8, len(str(name)) + 2)))
        for row, value in enumerate(frame[name].tolist(), start=1):
            if not pd.isna(value) and value != "":
                sheet.write(row, place, value)
