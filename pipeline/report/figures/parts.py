"""Parts that figures share: arrows for bounds, bars for intervals, the legend, labels of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.report.shown import interval_ends
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

D90_LABEL = r"intrinsic dimension $d_{90}$"
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


def computed(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that have a d₉₀, with what is drawn of them as plain numbers."""
    return cells.dropna(subset=["d90"]).astype({"d90": float, "parameters": float})


def tasks_of(cells: pd.DataFrame) -> list[str]:
    """The tasks in the order of the table."""
    return list(dict.fromkeys(cells["task"]))


def intervals(axes: Any, found: pd.DataFrame, x: str, colours: dict[str, str]) -> None:
    """A thin upright bar a d₉₀, under the marks; a bound beyond the search is drawn to its end."""
    low, high = interval_ends(found)
    axes.vlines(
        found[x], low, high, colors=[colours[task] for task in found["task"]],
        linewidth=0.8, alpha=0.45, zorder=1, gid="intervals",
    )  # fmt: skip


def above_largest(
    axes: Any, cells: pd.DataFrame, at: tuple[str, str], colours: dict[str, str]
) -> list[Any]:
    """An arrow at ``d_max``, one of the columns ``at``, a cell above it; the legend's key."""
    glyph = "rightarrow" if at[0] == "d_max" else "uparrow"
    above = cells[cells["status"] == "not_reached"].dropna(subset=list(at))
    _arrows(axes, above, at, glyph, 0.0, colours, "above")
    return [_key(glyph, "above the largest $d$")] if len(above) else []


def below_smallest(
    axes: Any, found: pd.DataFrame, at: tuple[str, str], colours: dict[str, str]
) -> list[Any]:
    """An arrow beside marks whose d₉₀ is the smallest d of the search; the legend's key."""
    glyph = "leftarrow" if at[0] == "d90" else "downarrow"
    lowest = found[found["lower"].isna()]
    _arrows(axes, lowest, at, glyph, -0.75, colours, "below")
    return [_key(glyph, "at or below the smallest $d$")] if len(lowest) else []


def _arrows(
    axes: Any,
    cells: pd.DataFrame,
    at: tuple[str, str],
    glyph: str,
    away: float,
    colours: dict[str, str],
    kind: str,
) -> None:
    """An arrow a cell, ``away`` from its mark along its own direction; side by side in one place.

    Distances are in units of the arrow's size, so that the data stay what was measured.
    """
    for _, rows in cells.groupby(list(at)):
        for place, (_, row) in enumerate(rows.iterrows()):
            aside = 0.75 * (place - (len(rows) - 1) / 2)
            shift = (aside, away) if glyph in ("uparrow", "downarrow") else (away, aside)
            _arrow(axes, row, at, glyph, shift, colours[row["task"]], kind)


def _arrow(
    axes: Any,
    row: pd.Series,
    at: tuple[str, str],
    glyph: str,
    shift: tuple[float, float],
    colour: str,
    kind: str,
) -> None:
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import Affine2D

    marker = MarkerStyle(rf"$\{glyph}$").transformed(Affine2D().translate(*shift))
    axes.plot(
        [row[at[0]]], [row[at[1]]], linestyle="none", marker=marker, markersize=7,
        markeredgewidth=0.3, color=colour, clip_on=False,
        gid=f"{kind}-{row['model']}-{row['task']}",
    )  # fmt: skip


def _key(glyph: str, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color="0.3", marker=rf"$\{glyph}$", markersize=7, markeredgewidth=0.3,
        linestyle="none", label=label,
    )  # fmt: skip


def legend(
    axes: Any, config: ReportConfig, tasks: list[str], keys: list[Any], notes: Sequence[str] = ()
) -> None:
    """Notes and a legend under the plot, where they cover no point; the figure grows by them."""
    from matplotlib.lines import Line2D

    colours, markers = config.by_task(tasks)
    handles: list[Any] = [
        Line2D([], [], color=colours[task], marker=markers[task], markersize=4.5,
               markeredgewidth=0, label=task)
        for task in tasks
    ]  # fmt: skip
    handles += keys
    columns = config.legend_columns([handle.get_label() for handle in handles])
    lines = [line for note in notes for line in config.wrap(note)]
    figure = axes.figure
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, frameon=False,
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


def say_empty(axes: Any, what: str) -> None:
    """Say in the middle of the axes that there is nothing to draw."""
    axes.text(
        0.5, 0.5, f"no {what} has a computable $d_{{90}}$", ha="center", va="center",
        transform=axes.transAxes, color="0.4",
    )  # fmt: skip
