"""The metric's axis, and horizontal lines at full fine-tuning, the target and chance."""

from __future__ import annotations

from typing import Any

# The column, what it is, its dashes, by how many pixels its name stands below the line.
_LEVELS = {
    "full_metric": ("full fine-tuning", [2, 3], -6),
    "target": ("target", [7, 4], 9),
    "chance": ("chance", [1, 0], -6),
}


def metric_channel(field: str, title: str) -> Any:
    """The upward axis of a metric."""
    import altair as alt

    scale = alt.Scale(zero=False, padding=10)
    return alt.Y(field=field, type="quantitative", title=title, scale=scale)


def levels(cell: Any, title: str) -> list[Any]:
    """A line and its name for each level that the cell has; ``cell`` is a chart of its one row."""
    layers = []
    for column, (text, dashes, below) in _LEVELS.items():
        place = cell.transform_filter(f"isValid(datum.{column})")
        place = place.encode(y=metric_channel(column, title))
        layers.append(place.mark_rule(strokeDash=dashes, color="currentColor", opacity=0.7))
        layers.append(
            place.mark_text(
                text=text, align="left", x=4, dy=below, fontSize=11, color="currentColor"
            )
        )
    return layers
