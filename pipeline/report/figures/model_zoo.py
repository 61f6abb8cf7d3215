"""d₉₀ over the number of parameters, a zoo of models (A21 Figure 3)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.report.figures.bounds import Look, beyond_grid, intervals
from pipeline.report.figures.labels import label_points
from pipeline.report.figures.parts import (
    D90_LABEL,
    legend,
    plot,
    say_empty,
    short,
    tasks_of,
)
from pipeline.report.known import PLACES, drawn_at, estimated, placed
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

_AT = ("parameters", "d90")


def model_zoo(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """d₉₀ over parameter count, both logarithmic, a labelled mark a model and task.

    Bars are 95 % intervals. A d₉₀ beyond the grid is a hollow mark at the grid's end with an arrow
    outwards. Models without a d₉₀ are left out.
    """
    figure, axes = plot(pyplot, config)
    zoo = tables.of("zoo")
    look = Look.of_tasks(config, tables.tasks(), tasks_of(zoo))
    axes.set_xscale("log")
    axes.set_yscale("log")
    found = estimated(zoo).astype({"parameters": float})
    keys = intervals(axes, found, _AT, look)
    for task, rows in found.groupby("task", sort=False):
        axes.plot(
            rows["parameters"], rows["d90"], linestyle="none", marker=look.markers[str(task)],
            markersize=5, color=look.colours[str(task)], markeredgecolor="white",
            markeredgewidth=0.4, zorder=3,
        )  # fmt: skip
    keys += beyond_grid(axes, zoo, _AT, look)
    axes.set_xlabel("parameters")
    axes.set_ylabel(D90_LABEL)
    legend(axes, config, look, keys)
    _finish(axes, _points(zoo), config)
    return figure


def _points(zoo: pd.DataFrame) -> pd.DataFrame:
    """Where each model's mark or arrow stands, ``x`` and ``y``, with its ``label``."""
    shown = placed(zoo, *PLACES)
    y = [drawn_at(row) for _, row in shown.iterrows()]
    return pd.DataFrame({"x": shown["parameters"].astype(float), "y": y, "label": shown["label"]})


def _finish(axes: Any, points: pd.DataFrame, config: ReportConfig) -> None:
    """Name the models and scale the axes to them, or say that there are none."""
    if points.empty:
        say_empty(axes, "model")
        return
    axes.margins(0.14)
    _say_decades(axes.xaxis)
    _say_decades(axes.yaxis)
    label_points(axes, points, config)


def _say_decades(axis: Any) -> None:
    """Whole labels on a logarithmic axis, also where it spans less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    narrow = high / low < 200
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axis.set_minor_formatter(NullFormatter())
