"""Certificates over pretraining: what is proved of the risk, and what was measured of it."""

from __future__ import annotations

from typing import Any

from pipeline.report.figures.bounds import Look
from pipeline.report.figures.parts import STEP_LABELS, legend, plot, short, step_scale, tasks_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

# Each column's line: its name, its dashes, its strength.
_LINES = {
    "bound": ("bound on the risk", "-", 1.0),
    "eval_error": ("error on evaluation rows", "--", 0.7),
    "majority_error": ("error of the commonest answer", ":", 0.5),
}


def certificates(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """The smallest bound of each cell over pretraining, a line a task, with what it lies between.

    Below it the error of the certified model on evaluation rows, which the bound does not use;
    beside it the error of the commonest answer on the training rows: a bound below that proves
    that something was learned.
    """
    figure, axes = plot(pyplot, config)
    rows = along(tables, config)
    tasks = tasks_of(rows)
    look = Look.of_tasks(config, tables.tasks(), tasks)
    for task in tasks:
        own = rows[rows["task"] == task].sort_values("step")
        for column, (_, dashes, strength) in _LINES.items():
            marker = look.markers[task] if column == "bound" else None
            axes.plot(
                own["step"].astype(float), own[column], color=look.colours[task], alpha=strength,
                linestyle=dashes, marker=marker, markersize=5, gid=f"{column}-{task}",
                linewidth=1.5 if column == "bound" else 0.9,
            )  # fmt: skip
    keys = [
        axes.plot([], [], color="0.3", linestyle=dashes, label=name)[0]
        for name, dashes, _ in _LINES.values()
    ]
    legend(axes, config, look, keys)
    steps = rows["step"].drop_duplicates().sort_values().to_numpy(dtype=float)
    step_scale(axes, steps)
    axes.set_xticks(steps, [short(step) for step in steps])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(STEP_LABELS[rows["unit"].iloc[0]])
    axes.set_ylabel("share of wrong answers")
    return figure


def along(tables: Tables, config: ReportConfig) -> Any:
    """The trajectory's best candidates, their ``step`` in what the report counts pretraining in."""
    rows = best_candidates(tables)
    rows = rows[rows["family"] == "trajectory"]
    if config.axis == "tokens":
        rows = rows.assign(step=rows["tokens_seen"].astype(float), unit="tokens")
    return rows


def best_candidates(tables: Tables) -> Any:
    """A row a certified cell: the candidate with its smallest bound."""
    return tables.certificates[tables.certificates["best"].fillna(False).astype(bool)]
