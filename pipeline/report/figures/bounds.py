"""What figures show of a d₉₀ beside its mark: bars for intervals, arrows where the grid ends.

Functions take ``at``, the columns of a mark's x and y, one of which is ``d90``: along that axis
bars lie and arrows point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from pipeline.report.known import Place, drawn_at, estimated, placed
from pipeline.report.style import ReportConfig

Places = tuple[str, str]
Side = Literal["above", "below"]
_POINTS_PER_INCH = 72
# Sizes in points: of an arrow, of the head at an open end of a bar, of a mark beyond the grid.
_ARROW, _HEAD, _MARK = 7.0, 3.0, 4.0
# Widths in points: of a bar, and of the edge of an arrow.
_BAR, _EDGE = 0.9, 0.3
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
# Which cells have an arrow, to which side, and what the legend calls it.
_BEYOND: dict[Place, tuple[Side, str]] = {
    "above": ("above", "above the largest $d$"),
    "below": ("below", "below the smallest $d$"),
    "open": ("above", "reached by no training"),
}
# The interval's end on each side, and the grid's.
_ENDS: dict[Side, tuple[str, str]] = {
    "above": ("d90_high", "d_max"), "below": ("d90_low", "d_min"),
}  # fmt: skip


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
    def of_tasks(
        config: ReportConfig, every: list[str], shown: list[str], apart: float = 0.0
    ) -> Look:
        """A colour and a marker a task, the same in all figures of a study.

        Args:
            config: how figures look.
            every: the study's tasks.
            shown: those of this figure.
            apart: how far their bars stand from each other, in points.
        """
        colours, markers = config.by_task(every)
        middle = (len(shown) - 1) / 2
        shifts = {task: apart * (place - middle) for place, task in enumerate(shown)}
        return Look("task", colours, markers, shifts)


def shift(artist: Any, axes: Any, right: float, up: float) -> None:
    """Draw something so many points aside of its data, which the axes' limits still follow."""
    from matplotlib.transforms import ScaledTranslation

    inches = (right / _POINTS_PER_INCH, up / _POINTS_PER_INCH)
    artist.set_transform(
        axes.transData + ScaledTranslation(*inches, axes.figure.dpi_scale_trans)
    )  # fmt: skip


def intervals(axes: Any, cells: pd.DataFrame, at: Places, look: Look) -> list[Any]:
    """A thin bar an estimate, under the marks, and the legend's key for bars if there are any.

    An end beyond the grid is a small triangle there.
    """
    rows = estimated(cells).dropna(subset=list(at))
    for _, row in rows.iterrows():
        _Cell(axes, row, at, look, look.shifts.get(row[look.by], 0.0)).draw_interval()
    return [_key("|" if _upright(at) else "_", "95 % interval", _BAR)] if len(rows) else []


def beyond_grid(axes: Any, cells: pd.DataFrame, at: Places, look: Look) -> list[Any]:
    """A hollow mark at the end of the grid with an arrow outwards, a cell beyond; legend's keys.

    A cell that no training reached has its mark where its interval begins. Marks at one place stand
    side by side, also where the grids of tasks end a few d apart, as those of other heads do. Bars
    reach to the end of the interval inside the grid.
    """
    across = at[0] if _upright(at) else at[1]
    keys = []
    for place, (side, label) in _BEYOND.items():
        rows = placed(cells, place).dropna(subset=[across])
        rows = rows.assign(edge=[drawn_at(row) for _, row in rows.iterrows()])
        for _, those in rows.groupby(["edge", across] if place == "open" else [across]):
            for number, (_, row) in enumerate(those.iterrows()):
                aside = _ASIDE * (number - (len(those) - 1) / 2)
                cell = _Cell(axes, row, at, look, aside)
                cell.draw_interval(side)
                cell.draw_beyond(side)
        if len(rows):
            keys.append(_key(_ARROWS[side, _upright(at)], label, _EDGE))
    return keys


def _upright(at: Places) -> bool:
    return at[1] == "d90"


@dataclass(frozen=True)
class _Cell:
    """A cell in a figure: its row of the table, and how far its mark stands aside in points."""

    axes: Any
    row: pd.Series
    at: Places
    look: Look
    aside: float

    def draw_interval(self, arrow: Side | None = None) -> None:
        """The bar, with a head at each end that lies beyond the grid, but for the arrow's side."""
        ends = {side: self._end(side) for side in _ENDS}
        draw = self.axes.vlines if _upright(self.at) else self.axes.hlines
        bar = draw(
            [float(self.row[self.at[0] if _upright(self.at) else self.at[1]])], *ends.values(),
            colors=[self._colour], linewidth=_BAR, alpha=0.55, zorder=1, gid=self._name("interval"),
        )  # fmt: skip
        self._move(bar, 0.0)
        for side, end in ends.items():
            if pd.isna(self.row[_ENDS[side][0]]) and side != arrow:
                self._draw_head(side, end)

    def draw_beyond(self, side: Side) -> None:
        """The hollow mark and the arrow of a d₉₀ beyond the grid."""
        edge = drawn_at(self.row)
        mark = self._draw(
            edge, marker=self.look.markers[self.row[self.look.by]], markersize=_MARK,
            markerfacecolor="white", markeredgewidth=0.8, zorder=3,
        )  # fmt: skip
        arrow = self._draw(
            edge, marker=_ARROWS[side, _upright(self.at)], markersize=_ARROW, markeredgewidth=_EDGE,
            gid=self._name(side),
        )  # fmt: skip
        self._move(mark, 0.0)
        self._move(arrow, _AWAY if side == "above" else -_AWAY)

    def _end(self, side: Side) -> float:
        """The end of the interval, or that of the grid where it lies beyond."""
        known, edge = (self.row[name] for name in _ENDS[side])
        return float(edge if pd.isna(known) else known)

    def _draw_head(self, side: Side, d: float) -> None:
        from matplotlib import markers

        head = self._draw(
            d, marker=getattr(markers, _HEADS[side, _upright(self.at)]), markersize=_HEAD,
            markeredgewidth=0, alpha=0.55, gid=self._name(f"open-{side}"),
        )  # fmt: skip
        self._move(head, 0.0)

    def _draw(self, d: float, **looks: Any) -> Any:
        """A mark of the cell's colour with ``d`` for its d₉₀."""
        x, y = (d if name == "d90" else float(self.row[name]) for name in self.at)
        (mark,) = self.axes.plot(
            [x], [y], linestyle="none", color=self._colour, clip_on=False, **looks
        )
        return mark

    def _move(self, artist: Any, along: float) -> None:
        """Shift something aside with the cell, and along the axis of d₉₀."""
        points = (self.aside, along) if _upright(self.at) else (along, self.aside)
        shift(artist, self.axes, *points)

    @property
    def _colour(self) -> str:
        return self.look.colours[self.row[self.look.by]]

    def _name(self, what: str) -> str:
        return f"{what}-{self.row['model']}-{self.row[self.look.by]}"


def _key(glyph: str, label: str, width: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color="0.3", marker=glyph, markersize=_ARROW, markeredgewidth=width,
        linestyle="none", label=label,
    )  # fmt: skip
