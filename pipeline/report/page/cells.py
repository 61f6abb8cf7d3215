"""Tables of cells as the page shows them: every cell, by task and checkpoint, models, sweeps."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from pipeline.common.status import Status
from pipeline.report.columns import OTHERS
from pipeline.report.known import drawn_at, place
from pipeline.report.page.answer import WHY_NONE
from pipeline.report.page.traced import Context, Shown, Source
from pipeline.report.parts import metric, whole
from pipeline.report.shown import d90_parts, interval_parts, metric_name, paper_parts

# What each status says to a newcomer.
STATUSES = {
    Status.OK.value: "d₉₀ lies inside the grid",
    Status.NOT_REACHED.value: "d₉₀ lies above the largest d that was tried, or no training reached",
    Status.BELOW_GRID.value: "d₉₀ lies below the smallest d that was tried",
    **WHY_NONE,
}
# Text that is shown as it is.
_TEXTS = ("model", "label", "task", "status", "reason", "advice", "ended")
_WHOLE = ("step", "published", "parameters", "probes")
_METRICS = ("target", "full_metric", "chance", "full_train_metric", "relative_gap", "eval_metric")


def rows(source: Source, cells: pd.DataFrame) -> list[Context]:
    """The rows of some of a table's cells, texts plain and numbers traced.

    ``place`` is what the page's script sorts d₉₀ by, ``row`` where the CSV has the cell.
    """
    return [_shown(source, row) for _, row in cells.iterrows()]


def _shown(source: Source, row: pd.Series) -> Context:
    names = [*_METRICS, *others(row.index)]
    shown: dict[str, Shown] = {
        **{name: _as(whole, name) for name in _WHOLE if name in row},
        **{name: _as(metric, name) for name in names},
        "d90": d90_parts,
        "interval": interval_parts,
        "paper": paper_parts,
    }
    return {
        **{name: row[name] for name in _TEXTS},
        "method": row["method"].upper(),
        "meaning": STATUSES[row["status"]],
        "row": source.frame.index.get_loc(row.name),
        "place": _place(row),
        **source.row(row.name, **shown),
    }


def _as(show: Any, column: str) -> Shown:
    return lambda row: show(row, column)


def _place(row: pd.Series) -> float:
    """By what d₉₀ is sorted: where figures put it, and without one last."""
    return math.inf if place(row) is None else drawn_at(row)


def others(columns: Any) -> list[str]:
    """The columns of further metrics among these."""
    return [str(name) for name in columns if str(name).startswith(OTHERS)]


def other_names(columns: Any) -> dict[str, str]:
    """Each of them with its name for readers."""
    return {name: metric_name(name.removeprefix(OTHERS)) for name in others(columns)}


def by_checkpoint(source: Source, cells: pd.DataFrame) -> Context:
    """The numbers behind the trajectory: a row a task, a column a checkpoint."""
    models = list(dict.fromkeys(cells.sort_values("step", kind="stable")["model"]))
    lines = []
    for task, own in cells.groupby("task", sort=False):
        at = {row["model"]: row for _, row in own.iterrows()}
        found = [_estimate(source, at[model]) if model in at else None for model in models]
        lines.append({"task": task, "cells": found})
    labels = dict(zip(cells["model"], cells["label"], strict=True))
    return {"checkpoints": [labels[model] for model in models], "lines": lines}


def _estimate(source: Source, row: pd.Series) -> Context:
    shown = source.row(row.name, d90=d90_parts, interval=interval_parts)
    return {**shown, "status": row["status"], "meaning": STATUSES[row["status"]]}
