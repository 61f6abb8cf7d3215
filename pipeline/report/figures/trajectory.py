"""d₉₀ over pretraining (A21 Figure 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.figures.bounds import Look, beyond_grid, intervals, shift
from pipeline.report.figures.parts import (
    D90_LABEL,
    STEP_LABELS,
    along_pretraining,
    legend,
    plot,
    say_empty,
    short,
    step_scale,
    tasks_of,
)
from pipeline.report.known import estimated
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

_UNCOMPUTABLE = {
    "baseline_at_chance": "full fine-tuning no better than chance",
    "target_below_chance": "the target is no better than chance",
    "diverged": "training diverged",
}
_AT = ("step", "d90")
# How far tasks stand aside of each other, in points.
_APART = 2.0
# Labels of the step axis stand at least this part of its length apart.
_LABELS_APART = 0.095
# Room left and right of the first and last checkpoint, where marks beyond the grid stand side by
# side, as a part of the axis between them.
_MARGIN = 0.08


def trajectory(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """d₉₀ over pretraining, a line a task.

    Marks are estimates, joined where they follow each other, with bars for their 95 % intervals;
    tasks stand a little aside of each other. A d₉₀ beyond the grid is a hollow mark at the grid's
    end with an arrow outwards. Cells without a d₉₀ have no mark; they are listed below with what is
    the matter.
    """
    figure, axes = plot(pyplot, config)
    cells = along_pretraining(tables, config)
    tasks = tasks_of(cells)
    look = Look.of_tasks(config, tables.tasks(), tasks, _APART)
    found = estimated(cells)
    _lines(axes, found, tasks, look)
    keys = intervals(axes, found, _AT, look)
    keys += beyond_grid(axes, cells, _AT, look)
    legend(axes, config, look, keys, uncomputable(cells))
    if found.empty and not keys:
        say_empty(axes, "cell")
    else:
        axes.margins(y=0.1)
        axes.set_yscale("log")
        _step_axis(axes, cells["step"])
    axes.set_xlabel(STEP_LABELS[cells["unit"].iloc[0]])
    axes.set_ylabel(D90_LABEL)
    return figure


def uncomputable(cells: pd.DataFrame) -> list[str]:
    """Why there is no d₉₀, a line a status: the tasks, each with its checkpoints' steps."""
    lines = []
    for status, text in _UNCOMPUTABLE.items():
        rows = cells[cells["status"] == status]
        parts = [
            f"{task} at {', '.join(short(step) for step in sorted(those['step']))}"
            for task, those in rows.groupby("task", sort=False)
        ]
        if parts:
            lines.append(f"no $d_{{90}}$, {text}: {'; '.join(parts)}")
    return lines


def _lines(axes: Any, found: pd.DataFrame, tasks: list[str], look: Look) -> None:
    for task in tasks:
        rows = found[found["task"] == task].sort_values("step")
        if len(rows):
            (line,) = axes.plot(
                rows["step"].astype(float), rows["d90"], color=look.colours[task],
                marker=look.markers[task], markersize=5, markeredgecolor="white",
                markeredgewidth=0.5,
            )  # fmt: skip
            shift(line, axes, look.shifts[task], 0.0)


def _step_axis(axes: Any, steps: pd.Series) -> None:
    """Linear for evenly spaced checkpoints, else logarithmic (linear up to the first update).

    Every checkpoint has a tick, and a label as far as there is room.
    """
    known = np.array(sorted(set(steps)), dtype=float)
    step_scale(axes, known)
    places = axes.xaxis.get_transform().transform(known)
    labelled = [0]
    for index in range(1, len(known)):
        if places[index] - places[labelled[-1]] >= _LABELS_APART * (places[-1] - places[0]):
            labelled.append(index)
    axes.set_xticks(known[labelled], [short(step) for step in known[labelled]])
    axes.set_xticks(known, minor=True)
    margin = _MARGIN * (places[-1] - places[0])
    if margin:
        ends = np.array([places[0] - margin, places[-1] + margin])
        axes.set_xlim(axes.xaxis.get_transform().inverted().transform(ends))
