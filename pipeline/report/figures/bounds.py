"""What figures show of a d₉₀ beside its mark: bars for intervals, arrows where the grid ends.

Functions take ``at``, the columns of a mark's x and y, one of which is ``d90``: along that axis
bars lie and arrows point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from pipeline.report.known import estimated, interval_ends
from pipeline.report.style import ReportConfig

Places = tuple[str, str]
Side = Literal["above", "below"]
_POINTS_PER_INCH = 72
# Sizes in points: of an arrow, of the head at an open end of a bar, of a mark beyond the grid.
_ARROW, _HEAD, _MARK = 7.0, 3.0, 4.0
# Marks beyond the grid in one place stand this far apart, and their arrows so far outside.
_ASIDE = _AWAY = 0.75 * _ARROW
# By side and whether d₉₀ is upright: the arrow, and the marker whose base is at the end of a bar.
_ARROWS = {
    ("above", True): r"$\uparrow$", ("above", False): r"$\rightarrow$",
    ("below", True): r"$\downarrow$", ("below", False): r"$\leftarrow$",
}  # fmt: skip
_HEADS = {
    ("above", True): "CARETUPBASE", ("above", False): "CARETRIGHTBASE",
    ("below", True): "CARETDOWNBASE", ("below", False): "CARETLEFTBASE",
}  # fmt: skip
# Where cells beyond the grid are drawn, and what the legend calls their arrow.
_BEYOND: dict[Side, tuple[str, str, str]] = {
    "above": ("not_reached", "d_max", "above the largest $d$"),
    "below": ("below_grid", "d_min", "below the smallest $d$"),
}


@dataclass(frozen=True)
class Look:
    """Which column tells marks apart, and what its values look like.

    Attributes:
        by: the column.
        colours: a colour a value, and ``markers`` a marker.
        shifts: how far a value's marks and bars stand aside of their place, in points.
    """

    by: str
    colours: Mapping[str, str]
    markers: Mapping[str, str]
    shifts: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of_tasks(config: ReportConfig, tasks: list[str], apart: float = 0.0) -> Look:
        """A colour and a marker a task, their bars ``apart`` points from each other."""
        colours, markers = config.by_task(tasks)
        middle = (len(tasks) - 1) / 2
        shifts = {task: apart * (place - middle) for place, task in enumerate(tasks)}
        return Look("task", colours, markers, shifts)


def shift(artist: Any, axes: Any, right: float, up: float) -> None:
    """Draw something so many points aside of its data, which the axes' limits still follow."""
    from matplotlib.transforms import ScaledTranslation

    inches = (right / _POINTS_PER_INCH, up / _POINTS_PER_INCH)
    artist.set_transform(
        axes.transData + ScaledTranslation(*inches, axes.figure.dpi_scale_trans)
    )  # fmt: skip


def intervals(axes: Any, cells: pd.DataFrame, at: Places, look: Look) -> None:
    """A thin bar an estimate, under the marks; an end beyond the grid is a small triangle there."""
    found = estimated(cells).dropna(subset=list(at))
    low, high = interval_ends(found)
    for (_, row), *ends in zip(found.iterrows(), low, high, strict=True):
        aside = look.shifts.get(row[look.by], 0.0)
        _bar(axes, row, at, (ends[0], ends[1]), look, aside)
        for side, end, known in zip(("below", "above"), ends, ("d90_low", "d90_high"), strict=True):
            if pd.isna(row[known]):
                _head(axes, row, at, (side, end), look, aside)


def beyond_grid(axes: Any, cells: pd.DataFrame, at: Places, look: Look) -> list[Any]:
    """A hollow mark at the end of the grid with an arrow outwards, a cell beyond; legend's keys.

    Marks at one place stand side by side. Bars reach to the end of the interval inside the grid.
    """
    across = at[0] if _upright(at) else at[1]
    keys = []
    for side, (status, edge, label) in _BEYOND.items():
        rows = cells[cells["status"] == status].dropna(subset=[across])
        for _, those in rows.groupby([edge, across]):
            for place, (_, row) in enumerate(those.iterrows()):
                aside = _ASIDE * (place - (len(those) - 1) / 2)
                _mark_beyond(axes, row, at, side, look, aside)
        if len(rows):
            keys.append(_key(_ARROWS[side, _upright(at)], label))
    return keys


def _upright(at: Places) -> bool:
    return at[1] == "d90"


def _place(row: pd.Series, at: Places, d: float) -> tuple[float, float]:
    """The x and y of a cell's mark with ``d`` for its d₉₀."""
    return (float(row[at[0]]), d) if _upright(at) else (d, float(row[at[1]]))


def _mark_beyond(
    axes: Any, row: pd.Series, at: Places, side: Side, look: Look, aside: float
) -> None:
    edge = float(row[_BEYOND[side][1]])
    inside = row["d90_low" if side == "above" else "d90_high"]
    if not pd.isna(inside):
        _bar(axes, row, at, (min(edge, float(inside)), max(edge, float(inside))), look, aside)
    colour, place = look.colours[row[look.by]], _place(row, at, edge)
    (mark,) = axes.plot(
        *([one] for one in place), linestyle="none", marker=look.markers[row[look.by]],
        markersize=_MARK, color=colour, markerfacecolor="white", markeredgewidth=0.8,
        clip_on=False, zorder=3,
    )  # fmt: skip
    (arrow,) = axes.plot(
        *([one] for one in place), linestyle="none", marker=_ARROWS[side, _upright(at)],
        markersize=_ARROW, markeredgewidth=0.3, color=colour, clip_on=False,
        gid=f"{side}-{row['model']}-{row[look.by]}",
    )  # fmt: skip
    _aside(mark, axes, at, aside, 0.0)
    _aside(arrow, axes, at, aside, _AWAY if side == "above" else -_AWAY)


def _bar(
    axes: Any, row: pd.Series, at: Places, ends: tuple[float, float], look: Look, aside: float
) -> None:
    draw = axes.vlines if _upright(at) else axes.hlines
    across = float(row[at[0] if _upright(at) else at[1]])
    bar = draw(
        [across], *ends, colors=[look.colours[row[look.by]]], linewidth=0.9, alpha=0.55, zorder=1,
        gid=f"interval-{row['model']}-{row[look.by]}",
    )  # fmt: skip
    _aside(bar, axes, at, aside, 0.0)


def _head(
    axes: Any, row: pd.Series, at: Places, end: tuple[str, float], look: Look, aside: float
) -> None:
    from matplotlib import markers

    side, d = end
    (head,) = axes.plot(
        *([one] for one in _place(row, at, d)), linestyle="none",
        marker=getattr(markers, _HEADS[side, _upright(at)]), markersize=_HEAD, alpha=0.55,
        markeredgewidth=0, color=look.colours[row[look.by]], clip_on=False,
        gid=f"open-{side}-{row['model']}-{row[look.by]}",
    )  # fmt: skip
    _aside(head, axes, at, aside, 0.0)


def _aside(artist: Any, axes: Any, at: Places, across: float, along: float) -> None:
    """Shift something across the axis of d₉₀, and along it."""
    shift(artist, axes, *((across, along) if _upright(at) else (along, across)))


def _key(glyph: str, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color="0.3", marker=glyph, markersize=_ARROW, markeredgewidth=0.3,
        linestyle="none", label=label,
    )  # fmt: skip
