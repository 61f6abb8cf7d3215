"""Labels beside marks, where they cover least of marks and other labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.report.style import ReportConfig

_POINTS_PER_INCH = 72
# Where a label may stand beside its mark: offsets in units of the mark's distance, and alignment.
_SIDES = (
    (1.0, 0.0, "left", "center"), (-1.0, 0.0, "right", "center"), (0.0, 1.0, "center", "bottom"),
    (0.0, -1.0, "center", "top"), (0.8, 0.8, "left", "bottom"), (-0.8, 0.8, "right", "bottom"),
    (0.8, -0.8, "left", "top"), (-0.8, -0.8, "right", "top"),
)  # fmt: skip


def label_points(axes: Any, points: pd.DataFrame, config: ReportConfig) -> None:
    """Each mark's label on the side where it covers least of marks and other labels.

    ``points`` has the marks' places in the columns ``x`` and ``y``, and their ``label``.
    """
    figure = axes.figure
    figure.canvas.draw()
    places = axes.transData.transform(points[["x", "y"]].astype(float).to_numpy())
    gap = 5.0 * figure.dpi / _POINTS_PER_INCH
    marks = [_box(x - gap / 2, y - gap / 2, gap, gap) for x, y in places]
    frame = axes.get_window_extent()
    taken: list[Any] = []
    for index, label in enumerate(points["label"]):
        others = [*taken, *marks[:index], *marks[index + 1 :]]
        size = _extent(axes, label, config)
        boxes = [_beside(places[index], side, gap, size) for side in _SIDES]
        cost = [_covered(box, others) + _outside(box, frame) for box in boxes]
        chosen = cost.index(min(cost))
        dx, dy, horizontal, vertical = _SIDES[chosen]
        axes.annotate(
            label, points[["x", "y"]].iloc[index], (5 * dx, 5 * dy),
            textcoords="offset points", ha=horizontal, va=vertical, fontsize=config.font_pt - 1,
        )  # fmt: skip
        taken.append(boxes[chosen])


def _extent(axes: Any, label: str, config: ReportConfig) -> tuple[float, float]:
    """Width and height of a label in pixels."""
    text = axes.text(0, 0, label, fontsize=config.font_pt - 1)
    box = text.get_window_extent()
    text.remove()
    return box.width, box.height


def _box(x: float, y: float, width: float, height: float) -> Any:
    from matplotlib.transforms import Bbox

    return Bbox.from_bounds(x, y, width, height)


def _beside(
    place: Sequence[float], side: tuple[float, float, str, str], gap: float,
    size: tuple[float, float],
) -> Any:  # fmt: skip
    dx, dy, horizontal, vertical = side
    left = {"left": 0.0, "right": -size[0], "center": -size[0] / 2}[horizontal]
    down = {"bottom": 0.0, "top": -size[1], "center": -size[1] / 2}[vertical]
    return _box(place[0] + gap * dx + left, place[1] + gap * dy + down, *size)


def _covered(box: Any, others: Sequence[Any]) -> float:
    """The area that a box shares with others."""
    from matplotlib.transforms import Bbox

    shared = (Bbox.intersection(box, other) for other in others)
    return sum(both.width * both.height for both in shared if both is not None)


def _outside(box: Any, frame: Any) -> float:
    """The area of a box outside the frame, which counts double."""
    from matplotlib.transforms import Bbox

    inside = Bbox.intersection(box, frame)
    area = 0.0 if inside is None else float(inside.width * inside.height)
    return 2 * (float(box.width * box.height) - area)
