"""d₉₀ over pretraining in several studies, a panel a task."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.figures.bounds import Look, beyond_grid, intervals, shift
from pipeline.report.figures.parts import D90_LABEL, STEP_LABELS, short, step_scale, tasks_of
from pipeline.report.known import estimated
from pipeline.report.style import ReportConfig

_AT = ("step", "d90")
_MOST_COLUMNS = 3
# How far studies stand aside of each other, in points.
_APART = 2.5


def overlay(pyplot: Any, cells: pd.DataFrame, config: ReportConfig) -> Any:
    """d₉₀ over pretraining, a panel a task and a line a study.

    Marks, bars and arrows are those of the trajectory's own figure; studies stand a little aside of
    each other.

    Args:
        pyplot: ``matplotlib.pyplot``.
        cells: those of all studies' trajectories, with the column ``study``.
        config: how figures look.
    """
    cells = _counted_alike(cells)
    tasks, studies = tasks_of(cells), list(dict.fromkeys(cells["study"]))
    look = _look(config, studies)
    figure, panels = _panels(pyplot, len(tasks), config)
    for task, axes in zip(tasks, panels, strict=False):
        _panel(axes, cells[cells["task"] == task], look)
        axes.set_title(_plain(task))
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    figure.supxlabel(STEP_LABELS[cells["unit"].iloc[0]], fontsize=config.font_pt)
    figure.supylabel(D90_LABEL, fontsize=config.font_pt)
    _legend(figure, look, config)
    return figure


def _counted_alike(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with steps of one kind: tokens, where studies count pretraining differently.

    Steps stay as they are where tokens are not known either.
    """
    if cells["unit"].nunique() > 1 and cells["tokens_seen"].notna().all():
        cells = cells.assign(step=cells["tokens_seen"], unit="tokens")
    return cells.astype({"step": float})


def _look(config: ReportConfig, studies: list[str]) -> Look:
    colours, markers = config.by_task(studies)
    middle = (len(studies) - 1) / 2
    shifts = {study: _APART * (place - middle) for place, study in enumerate(studies)}
    return Look("study", colours, markers, shifts)


def _panels(pyplot: Any, count: int, config: ReportConfig) -> tuple[Any, list[Any]]:
    columns = min(count, _MOST_COLUMNS)
    rows = math.ceil(count / columns)
    width, _ = config.size(1.0)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(width, rows * max(width / columns * 0.85, 1.3) + 0.4),
        sharex=True, sharey=True, squeeze=False, layout="constrained",
    )  # fmt: skip
    return figure, list(grid.flat)


def _panel(axes: Any, cells: pd.DataFrame, look: Look) -> None:
    found = estimated(cells)
    for study, rows in found.groupby("study", sort=False):
        ordered = rows.sort_values("step")
        (line,) = axes.plot(
            ordered["step"], ordered["d90"], color=look.colours[str(study)],
            marker=look.markers[str(study)], markersize=4, markeredgecolor="white",
            markeredgewidth=0.4,
        )  # fmt: skip
        shift(line, axes, look.shifts[str(study)], 0.0)
    intervals(axes, found, _AT, look)
    beyond_grid(axes, cells, _AT, look)
    axes.set_yscale("log")
    step_scale(axes, np.array(sorted(set(cells["step"]))))
    axes.xaxis.set_major_formatter(lambda value, _: short(value))


def _legend(figure: Any, look: Look, config: ReportConfig) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, marker=look.markers[study], markersize=4.5, markeredgewidth=0,
               label=_plain(study))
        for study, colour in look.colours.items()
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside upper center",
        ncols=config.legend_columns([*map(_plain, look.colours)]),
    )  # fmt: skip


def _plain(text: str) -> str:
    """A name as it is: between dollar signs matplotlib would read mathematics."""
    return text.replace("$", r"\$")
