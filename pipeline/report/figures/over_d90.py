"""What goes with d₉₀: how full fine-tuning generalises (A21 Figures 4 and 5), hidden states."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.report.figures.bounds import Look, beyond_grid, intervals
from pipeline.report.figures.parts import (
    D90_LABEL,
    along_pretraining,
    legend,
    plot,
    say_empty,
    tasks_of,
)
from pipeline.report.known import estimated
from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables


def generalization(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """Evaluation metric of full fine-tuning over d₉₀ (A21 Figure 4), a point a checkpoint."""
    label = metric_of(tables.of("trajectory"))
    return _over_d90(pyplot, tables, config, "full_metric", label)


def relative_gap(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """Relative generalization gap over d₉₀ (A21 Figure 5), a point a checkpoint."""
    figure = _over_d90(pyplot, tables, config, "relative_gap", "relative gap")
    figure.axes[0].axhline(0, color="0.8", linewidth=0.8, zorder=0)
    return figure


def representation(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """The dimension of hidden states in the last layer over d₉₀, a point a checkpoint."""
    return _over_d90(pyplot, tables, config, "representation", "dimension of hidden states")


def _over_d90(pyplot: Any, tables: Tables, config: ReportConfig, y: str, label: str) -> Any:
    """Marks that grow from checkpoint to checkpoint, joined by a thin line in that order.

    Bars are the 95 % intervals of d₉₀. A cell whose d₉₀ is beyond the grid is a hollow mark at its
    end, with an arrow outwards.
    """
    figure, axes = plot(pyplot, config)
    cells = along_pretraining(tables, config)
    tasks = tasks_of(cells)
    look, at = Look.of_tasks(config, tables.tasks(), tasks), ("d90", y)
    points = estimated(cells).dropna(subset=[y])
    for task in tasks:
        path = points[points["task"] == task].sort_values("step")
        axes.plot(
            path["d90"], path[y], color=look.colours[task], linewidth=0.7, alpha=0.5, zorder=1
        )
    keys = intervals(axes, points, at, look)
    _marks(axes, points, y, tasks, look)
    keys += beyond_grid(axes, cells, at, look)
    if points.empty and not keys:
        say_empty(axes, "cell")
    else:
        axes.set_xscale("log")
        axes.margins(x=0.08)
    legend(axes, config, look, keys, ["larger marks: later checkpoints"])
    axes.set_xlabel(D90_LABEL)
    axes.set_ylabel(label)
    return figure


def _marks(axes: Any, points: pd.DataFrame, y: str, tasks: list[str], look: Look) -> None:
    import seaborn

    if points.empty:
        return
    seaborn.scatterplot(
        points, x="d90", y=y, hue="task", style="task", hue_order=tasks, style_order=tasks,
        palette=look.colours, markers=look.markers, size="step", sizes=(10, 38), linewidth=0.4,
        legend=False, ax=axes, zorder=2,
    )  # fmt: skip
