"""d₉₀ in a task's own directions over pretraining, and in random ones on the same rows."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.report.figures.bounds import Look, beyond_grid, intervals, shift
from pipeline.report.figures.parts import (
    D90_LABEL,
    STEP_LABELS,
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

_AT = ("step", "d90")
# How far tasks stand aside of each other, in points.
_APART = 2.0
# Each kind of directions: its name, its dashes, its strength.
_KINDS = {
    "own": ("in the task's own directions", "-", 1.0),
    "random": ("in random directions", "--", 0.55),
}


def own(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """d₉₀ of both kinds of directions over pretraining, a line a task and kind.

    Bars are 95 % intervals; a d₉₀ beyond the grid, which of own directions ends where the snapshots
    do, is a hollow mark at its end with an arrow outwards.
    """
    figure, axes = plot(pyplot, config)
    rows = along(tables, config)
    look = Look.of_tasks(config, tables.tasks(), tasks_of(rows), _APART)
    keys: list[Any] = []
    for kind, (_, dashes, strength) in _KINDS.items():
        cells = rows[rows["directions"] == kind]
        _lines(axes, estimated(cells), look, kind, dashes, strength)
        keys += [*intervals(axes, cells, _AT, look), *beyond_grid(axes, cells, _AT, look)]
    if keys:
        axes.set_yscale("log")
        axes.margins(x=0.08, y=0.1)
    else:
        say_empty(axes, "cell")
    lines = [
        axes.plot([], [], color="0.3", linestyle=dashes, label=name)[0]
        for name, dashes, _ in _KINDS.values()
    ]
    # Both kinds have bars; the legend explains them once.
    once = {key.get_label(): key for key in keys}
    legend(axes, config, look, [*lines, *once.values()])
    steps = rows["step"].drop_duplicates().sort_values().to_numpy(dtype=float)
    step_scale(axes, steps)
    axes.set_xticks(steps, [short(step) for step in steps])
    axes.set_xlabel(STEP_LABELS[rows["unit"].iloc[0]])
    axes.set_ylabel(D90_LABEL)
    return figure


def along(tables: Tables, config: ReportConfig) -> pd.DataFrame:
    """The trajectory's searches, their ``step`` in what the report counts pretraining in."""
    rows = tables.own[tables.own["family"] == "trajectory"]
    if config.axis == "tokens":
        return rows.assign(step=rows["tokens_seen"].astype(float), unit="tokens")
    return rows.assign(step=rows["step"].astype(float))


def _lines(
    axes: Any, found: pd.DataFrame, look: Look, kind: str, dashes: str, strength: float
) -> None:
    for task, own_rows in found.groupby("task", sort=False):
        rows = own_rows.sort_values("step")
        (line,) = axes.plot(
            rows["step"], rows["d90"], color=look.colours[str(task)], linestyle=dashes,
            alpha=strength, marker=look.markers[str(task)], markersize=5, markeredgecolor="white",
            markeredgewidth=0.5, gid=f"{kind}-{task}",
        )  # fmt: skip
        shift(line, axes, look.shifts[str(task)], 0.0)
