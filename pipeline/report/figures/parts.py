"""Parts that figures share: the axes, the legend, labels of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.report.figures.bounds import Look
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

D90_LABEL = r"intrinsic dimension $d_{90}$"
# What the axis of pretraining is called, by what its steps count.
STEP_LABELS = {
    "updates": "pretraining updates",
    "epochs": "pretraining epochs",
    "tokens": "pretraining tokens",
}
# Steps whose smallest distance is below this part of the mean one are not evenly spaced.
_EVEN = 0.2
_ASPECT = 0.6


def plot(pyplot: Any, config: ReportConfig) -> tuple[Any, Any]:
    """A figure of the report's width, and its only axes."""
    figure, axes = pyplot.subplots(figsize=config.size(_ASPECT), layout="constrained")
    return figure, axes


def along_pretraining(tables: Tables, config: ReportConfig) -> pd.DataFrame:
    """The trajectory's cells, their ``step`` in what the report counts pretraining in."""
    cells = tables.of("trajectory")
    if config.axis == "tokens":
        cells = cells.assign(step=cells["tokens_seen"].astype(float), unit="tokens")
    return cells


def tasks_of(cells: pd.DataFrame) -> list[str]:
    """The tasks in the order of the table."""
    return list(dict.fromkeys(cells["task"]))


def legend(
    axes: Any, config: ReportConfig, look: Look, keys: list[Any], notes: Sequence[str] = ()
) -> None:
    """Notes and a legend under the plot, where they cover no point; the figure grows by them.

    Args:
        axes: of the plot.
        config: how figures look.
        look: what its tasks look like; those that it shifts are the figure's own.
        keys: what the legend explains beside tasks.
        notes: lines above the legend.
    """
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D([], [], color=look.colours[task], marker=look.markers[task], markersize=4.5,
               markeredgewidth=0, label=task)
        for task in look.shifts
    ]  # fmt: skip
    handles += keys
    columns = config.legend_columns([handle.get_label() for handle in handles])
    lines = [line for note in notes for line in config.wrap(note)]
    figure = axes.figure
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns,
        title="\n".join(lines), borderpad=0, borderaxespad=0.4,
    )  # fmt: skip
    width, height = figure.get_size_inches()
    rows = math.ceil(len(handles) / columns) + len(lines)
    figure.set_size_inches(width, height + rows * config.line_inches())


def short(value: float) -> str:
    """A number of an axis in three digits: 2.5k, 110M, 3B."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{float(f'{value / size:.3g}'):g}{letter}"
    return f"{value:g}"


def step_scale(axes: Any, steps: npt.NDArray[np.float64]) -> None:
    """A logarithmic axis, linear up to the first update, where checkpoints are not evenly spaced.

    Args:
        axes: where the checkpoints are on the axis of x.
        steps: (n,) theirs, increasing.
    """
    if uneven(steps):
        axes.set_xscale("symlog", linthresh=steps[steps > 0].min(), linscale=0.6)


def uneven(steps: Sequence[float] | npt.NDArray[np.float64]) -> bool:
    """Whether checkpoints, increasing, lie so unevenly that a linear axis would crowd some."""
    gaps = np.diff(steps)
    return bool(len(gaps)) and bool(gaps.min() < _EVEN * gaps.mean())


def say_empty(axes: Any, what: str) -> None:
    """Say in the middle of the axes that there is nothing to draw."""
    axes.text(
        0.5, 0.5, f"no {what} has a computable $d_{{90}}$", ha="center", va="center",
        transform=axes.transAxes, color="0.4",
    )  # fmt: skip
