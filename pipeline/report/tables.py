"""The results of measured cells as tidy tables: a row a cell, a training, a sweep, or a claim.

The metrics and the relative gap of a cell are those of full fine-tuning at its best epoch, as in
A21's Figures 4 and 5; those of the training at d₉₀ stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import atomic_directory, atomic_file, sha256, write_json
from pipeline.common.sealed import hash_of, read_sealed, write_sealed
from pipeline.errors import UserError
from pipeline.report.beyond import BEYOND, Beyond, Cells
from pipeline.report.cell import Family, MeasuredCell, SweepCell
from pipeline.report.columns import (
    OTHERS,
    Columns,
    cell_columns,
    cell_row,
    sweep_columns,
    training_columns,
    training_row,
)
from pipeline.report.costs import COSTS, costs
from pipeline.report.curves import (
    EPOCHS,
    LEARNING,
    PRETRAINING,
    SUCCESS,
    epoch_rows,
    learning_rows,
    logged_rows,
    success_rows,
)
from pipeline.report.metrics import few
from pipeline.report.movement import MOVEMENT, movement
from pipeline.report.results import read_cell, read_sweep
from pipeline.report.spreadsheet import neutralised, restored
from pipeline.report.summary import summarise
from pipeline.report.trends import TREND_COLUMNS, trends
from pipeline.report.workbook import write_workbook

# In summary.json: the hash of each table's file, so that a figure never shows an altered number.
_HASHES = "tables"
_CELLS = cell_columns()
# Only a d that a sweep leaves out has a reason of its own.
_SWEEP = training_columns()
_PROBES = {name: kind for name, kind in _SWEEP.items() if name != "reason"}
_TABLE1 = sweep_columns()
# Every table by its name, which its files have too; a workbook has them in this order.
_COLUMNS: dict[str, Columns] = {
    "cells": _CELLS,
    "probes": _PROBES,
    "trends": TREND_COLUMNS,
    "movement": MOVEMENT,
    **BEYOND,
    "table1": _TABLE1,
    "sweep": _SWEEP,
    "costs": COSTS,
    "epochs": EPOCHS,
    "success": SUCCESS,
    "learning": LEARNING,
    "pretraining": PRETRAINING,
}
NAMES = tuple(_COLUMNS)


@dataclass(frozen=True)
class Tables:
    """The tables of a study, and its numbers in short.

    Attributes:
        cells: a row a measured model and task, whether of the trajectory or of the zoo.
        probes: a row a training of their searches.
        sweep: a row a training of the sweeps, or a d that a model does not allow.
        table1: a row a sweep, with A21's d₉₀.
        trends: see `pipeline.report.trends`.
        movement: how d₉₀ moves (`pipeline.report.movement`).
        certificates: a row a candidate (`pipeline.report.certificates`); none without the section.
        taskspaces: a row an arm (`pipeline.report.taskspaces`), ``own`` one a search in a task's
            own or in random directions, and ``outliers`` one a component.
        transfer: a row an arm of directions of several tasks (`pipeline.report.transfer`).
        representation: a row a layer, state and estimator (`pipeline.report.representation`).
        costs: what each cell took, by stage (`pipeline.report.costs`).
        learning: a row an evaluation of a search's trainings (`pipeline.report.curves`), ``epochs``
            one of full fine-tuning, ``success`` a d of a cell's grid.
        pretraining: a row a line of its log.
        summary: see `pipeline.report.summary`.
    """

    cells: pd.DataFrame
    probes: pd.DataFrame
    sweep: pd.DataFrame
    table1: pd.DataFrame
    trends: pd.DataFrame
    movement: pd.DataFrame
    certificates: pd.DataFrame
    taskspaces: pd.DataFrame
    own: pd.DataFrame
    outliers: pd.DataFrame
    transfer: pd.DataFrame
    representation: pd.DataFrame
    costs: pd.DataFrame
    learning: pd.DataFrame
    epochs: pd.DataFrame
    success: pd.DataFrame
    pretraining: pd.DataFrame
    summary: dict[str, Any]

    def of(self, family: Family) -> pd.DataFrame:
        """The cells of a family of models."""
        return family_of(self.cells, family)

    def tasks(self) -> list[str]:
        """Every task of the study, in the order of the tables."""
        return list(dict.fromkeys([*self.cells["task"], *self.table1["task"]]))


def family_of(cells: pd.DataFrame, family: Family) -> pd.DataFrame:
    """The cells of a family; those of the trajectory all have a step, a whole number."""
    own = cells[cells["family"] == family]
    return own.astype({"step": "int64"}) if family == "trajectory" else own


def collect(
    results: Path,
    cells: Sequence[MeasuredCell],
    sweeps: Sequence[SweepCell],
    segments: Sequence[str] = (),
    further: Cells | None = None,
) -> Tables:
    """Read the results of cells and sweeps, and the logs of pretraining's segments, into tables.

    ``further`` says of which cells more than d₉₀ was measured.

    Raises:
        UserError: a result is missing or damaged.
    """
    rows, probes, table1, trainings = [], [], [], []
    beyond = Beyond.read(results, further or Cells())
    for cell in cells:
        found = read_cell(results, cell)
        rows.append(cell_row(cell, found.full, found.search, beyond.of(cell)))
        probes += [training_row(cell, found.search, one) for one in found.trainings]
    for sweep in sweeps:
        found = read_sweep(results, sweep)
        row = cell_row(sweep.cell, found.full, found.search)
        table1.append({**row, "published": sweep.published})
        trainings += [training_row(sweep.cell, found.search, one) for one in found.trainings]
    frame = _frame(rows, _CELLS)
    swept = _frame(table1, _TABLE1)
    trajectory = family_of(frame, "trajectory")
    more = {name: _frame(rows, BEYOND[name]) for name, rows in beyond.rows().items()}
    claims = trends(trajectory, more["own"])
    return Tables(
        cells=frame,
        probes=_frame(probes, _PROBES),
        sweep=_frame(trainings, _SWEEP),
        table1=swept,
        trends=claims,
        movement=_frame(movement(trajectory), MOVEMENT),
        **more,
        costs=_frame(costs(frame, swept, beyond.measured(), results / "machine"), COSTS),
        **_behind(results, cells, segments),
        summary=summarise(trajectory, claims),
    )


def _behind(
    results: Path, cells: Sequence[MeasuredCell], segments: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """The tables of what lies behind the cells' numbers."""
    learning, epochs, success = [], [], []
    for cell in cells:
        model, task = cell.model, cell.task
        search = results / "search" / model / task
        learning += learning_rows(search, model, task)
        success += success_rows(search, model, task)
        epochs += epoch_rows(results / "baseline" / model / task, model, task)
    history = results / "pretraining"
    logged = [row for one in segments for row in logged_rows(history / f"{one}.jsonl", one)]
    return {
        "learning": _frame(learning, LEARNING),
        "epochs": _frame(epochs, EPOCHS),
        "success": _frame(success, SUCCESS),
        "pretraining": _frame(logged, PRETRAINING),
    }


def write_tables(tables: Tables, folder: Path) -> None:
    """Write each table as CSV and Parquet under its name, all in ``study.xlsx``, numbers as JSON.

    Text is in Parquet as it is; in a CSV what a spreadsheet would run has an apostrophe in front.
    """
    frames = {name: getattr(tables, name) for name in NAMES}
    for name, frame in frames.items():
        _write(frame, folder / f"{name}.csv")
    with atomic_directory(folder / "parquet") as temporary:
        for name, frame in frames.items():
            frame.to_parquet(temporary / f"{name}.parquet", index=False)
    write_workbook(frames, folder / "study.xlsx")
    hashes = {f"{name}.csv": sha256(folder / f"{name}.csv") for name in NAMES}
    write_sealed(folder / "summary.json", {**tables.summary, _HASHES: hashes})
    write_json(folder / "metrics.json", few(tables.summary))


def read_tables(folder: Path) -> Tables:
    """Read what `write_tables` wrote.

    Raises:
        UserError: a table is missing, damaged, or another than was written with the summary.
    """
    found = {name: _read(folder / f"{name}.csv", columns) for name, columns in _COLUMNS.items()}
    summary = read_sealed(folder / "summary.json")
    for name, digest in summary.pop(_HASHES).items():
        path = folder / name
        if hash_of(path) != digest:
            raise UserError(f"{path} was altered since it was written: run dvc repro collect")
    return Tables(**found, summary=summary)


def _frame(rows: Sequence[Mapping[str, Any]], columns: Columns) -> pd.DataFrame:
    """Rows as a table of these columns and of the further metrics that any row has."""
    others = sorted({name for row in rows for name in row if name.startswith(OTHERS)})
    columns = {**columns, **dict.fromkeys(others, "float64")}
    return _without_gaps(pd.DataFrame(rows, columns=list(columns)).astype(columns), columns)


def _without_gaps(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The table with empty text where text is missing."""
    text = {name: "" for name, kind in columns.items() if kind == "object"}
    return frame.fillna(text)


def _write(frame: pd.DataFrame, path: Path) -> None:
    with atomic_file(path) as temporary:
        neutralised(frame).to_csv(temporary, index=False, lineterminator="\n")


def _read(path: Path, columns: Columns) -> pd.DataFrame:
    """Read a table with exactly these columns, and with whatever further metrics there are."""
    frame = _parsed(path, columns)
    if [name for name in frame.columns if not name.startswith(OTHERS)] != list(columns):
        raise UserError(f"{path} has not the columns that collect writes: run dvc repro collect")
    return frame


def read_columns(path: Path, columns: Columns) -> pd.DataFrame:
    """Read these columns of a table, which may have others: one of another version, say.

    Raises:
        UserError: the table is missing or damaged, or lacks a column.
    """
    frame = _parsed(path, columns)
    missing = [name for name in columns if name not in frame]
    if missing:
        raise UserError(f"{path} has no column {missing[0]!r}: another version wrote it")
    return frame[list(columns)]


def _parsed(path: Path, columns: Columns) -> pd.DataFrame:
    """A table as pandas reads it, these columns with their types, text as it was."""
    try:
        # A task may be called "nan" or "null": only an empty field is a missing value.
        frame = pd.read_csv(
            path, dtype=columns, keep_default_na=False, na_values=[""], float_precision="round_trip"
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no readable table ({error}): run dvc repro collect") from error
    known = {name: kind for name, kind in columns.items() if name in frame}
    return restored(_without_gaps(frame, known))
