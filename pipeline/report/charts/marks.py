"""Marks that charts share: an estimate of d₉₀ with its interval, and what lies beyond the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from pipeline.report.known import Place
from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig

Axis = Literal["x", "y"]
# Vega's names of the markers that figures give the tasks.
_SHAPES = {
    "o": "circle", "s": "square", "D": "diamond", "v": "triangle-down", "^": "triangle-up",
    "P": "cross", "X": "triangle-left", "p": "triangle-right",
}  # fmt: skip
# Along which way an arrow points where d₉₀ is not inside the grid, by its side and d₉₀'s axis.
_ARROWS = {
    ("above", "y"): ("↑", 0, -11), ("below", "y"): ("↓", 0, 12),
    ("above", "x"): ("→", 11, 0), ("below", "x"): ("←", -11, 0),
}  # fmt: skip
# To which side each place of a cell (`pipeline.report.known`) has an arrow.
_SIDES: Mapping[Place, str] = {"above": "above", "below": "below", "open": "above"}
# Which places leave an end of the interval open without an arrow there.
_HEADS: Mapping[str, tuple[Place, ...]] = {
    "low": ("inside", "above", "open"), "high": ("inside", "below"),
}  # fmt: skip
_OPEN = {
    ("high", "y"): "triangle-up", ("low", "y"): "triangle-down",
    ("high", "x"): "triangle-right", ("low", "x"): "triangle-left",
}  # fmt: skip
# Of a logarithmic axis the lines between powers of ten are fainter.
_DECADES: Any = {
    "condition": {"test": "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6",
                  "value": 0.3},
    "value": 0.1,
}  # fmt: skip
_WHOLE = "format(datum.{}, ',')"
_AT = "datum.where == '{}'"
_LOW = f"(isValid(datum.d90_low) ? {_WHOLE.format('d90_low')} : '< ' + {_WHOLE.format('d_min')})"
_HIGH = f"(isValid(datum.d90_high) ? {_WHOLE.format('d90_high')} : '> ' + {_WHOLE.format('d_max')})"
# What is drawn of a row, worked out by the chart from the table's own numbers; `known` and `shown`
# have the same rules.
_DRAWN = {
    "where": "datum.status == 'ok' ? 'inside' : datum.status == 'below_grid' ? 'below' : "
    "datum.status != 'not_reached' ? null : datum.d90_above ? 'above' : 'open'",
    "place": f"{_AT.format('above')} ? datum.d_max : {_AT.format('below')} ? datum.d_min : "
    f"{_AT.format('open')} ? max(datum.d90_low || 0, datum.d_min) : datum.d90",
    "low": "isValid(datum.d90_low) ? datum.d90_low : datum.d_min",
    "high": "isValid(datum.d90_high) ? datum.d90_high : datum.d_max",
    "estimate": f"{_AT.format('above')} ? '> ' + {_WHOLE.format('d_max')} : "
    f"{_AT.format('below')} ? '< ' + {_WHOLE.format('d_min')} : "
    f"isValid(datum.d90) ? {_WHOLE.format('d90')} : '–'",
    "interval": f"{_AT.format('above')} && datum.d90_low == datum.d_max || "
    f"{_AT.format('below')} && datum.d90_high == datum.d_min ? datum.estimate : "
    f"{_LOW} + ' – ' + {_HIGH}",
}


@dataclass(frozen=True)
class Look:
    """What the marks of one task look like, and by how many pixels they stand aside."""

    value: str
    colour: str
    shape: str
    aside: float


def looks(config: ReportConfig, tasks: list[str], apart: float) -> list[Look]:
    """A look a task, in order, so that the intervals of one checkpoint do not cover each other."""
    colours, markers = config.by_task(tasks)
    middle = (len(tasks) - 1) / 2
    return [
        Look(task, visible(colours[task]), _SHAPES[markers[task]], apart * (place - middle))
        for place, task in enumerate(tasks)
    ]


def visible(colour: str) -> str:
    """A colour that can be told from a light and from a dark page: black is the text's own."""
    return "currentColor" if colour == "#000000" else colour


def places(*columns: str) -> list[Any]:
    """Transforms: the numbers and texts of `_DRAWN`, and rows with a d₉₀ and these columns alone.

    A layered chart is given them when it is made: to add one to it copies all of its layers.
    """
    import altair as alt

    chart = alt.Chart().transform_calculate(**_DRAWN)
    for column in ("place", *columns):
        chart = chart.transform_filter(f"isValid(datum.{column})")
    return list(chart.transform)


def tooltip(cells: pd.DataFrame) -> list[Any]:
    """What hovering a cell tells."""
    import altair as alt

    metric = metric_of(cells)
    unit = str(next(iter(cells["unit"]), "")) or "step"
    fields: Mapping[str, tuple[str, str]] = {
        "label": ("checkpoint", "nominal"),
        "task": ("task", "nominal"),
        "step": (unit, "quantitative"),
        "tokens_seen": ("tokens", "quantitative"),
        "estimate": ("d₉₀", "nominal"),
        "interval": ("95 % interval", "nominal"),
        "full_metric": (f"{metric}, full", "quantitative"),
        "target": ("target", "quantitative"),
        "eval_metric": ("in the saved subspace", "quantitative"),
        "relative_gap": ("relative gap", "quantitative"),
    }
    formats = {"step": ",", "tokens_seen": ",", **dict.fromkeys(fields, ".4f")}
    return [
        alt.Tooltip(
            field=name, type=kind, title=title,
            **({"format": formats[name]} if kind == "quantitative" else {}),
        )
        for name, (title, kind) in fields.items()
    ]  # fmt: skip


def estimates(along: Axis, other: Any, look: Look, tips: list[Any], joined: bool) -> list[Any]:
    """The layers of a task: bars, the line between estimates, marks, arrows beyond the grid.

    Args:
        along: the axis of d₉₀.
        other: the channel of the other axis.
        look: the task, and what its marks look like.
        tips: what hovering a mark tells.
        joined: whether a line joins the estimates.
    """
    import altair as alt

    own = alt.Chart().transform_filter(alt.FieldEqualPredicate(equal=look.value, field="task"))
    aside = {"xOffset" if along == "y" else "yOffset": look.aside}
    ends = {along: d_channel(along, "low"), f"{along}2": {"field": "high"}}
    inside = own.transform_filter(_AT.format("inside"))
    layers = [
        own.mark_rule(color=look.colour, opacity=0.6, strokeWidth=1.5, **aside).encode(
            **ends, **other
        )
    ]
    if joined:
        line = inside.mark_line(color=look.colour, strokeWidth=1.8, **aside)
        layers.append(line.encode(**other, **{along: d_channel(along)}, order={"field": "step"}))
    mark = inside.mark_point(
        color=look.colour, fill=look.colour, shape=look.shape, size=55, opacity=1, **aside
    )
    layers.append(mark.encode(**other, **{along: d_channel(along)}, tooltip=tips))
    for end, ends_open in _HEADS.items():
        open_there = own.transform_filter(f"!isValid(datum.d90_{end})").transform_filter(
            alt.FieldOneOfPredicate(field="where", oneOf=list(ends_open))
        )
        head = open_there.mark_point(
            color=look.colour, fill=look.colour, shape=_OPEN[end, along], size=22, **aside
        )
        layers.append(head.encode(**other, **{along: d_channel(along, end)}))
    return [*layers, *_beyond(own, along, other, look, aside, tips)]


def _beyond(
    own: Any, along: Axis, other: Any, look: Look, aside: dict[str, float], tips: list[Any]
) -> list[Any]:
    """A hollow mark at the end of the grid, or where the interval begins, and an arrow outwards."""
    layers = []
    outside = own.transform_filter("datum.where != 'inside'")
    hollow = outside.mark_point(
        color=look.colour, fill="transparent", shape=look.shape, size=30, opacity=1, **aside
    )
    layers.append(hollow.encode(**other, **{along: d_channel(along)}, tooltip=tips))
    for where, side in _SIDES.items():
        text, dx, dy = _ARROWS[side, along]
        arrow = own.transform_filter(_AT.format(where)).mark_text(
            text=text, color=look.colour, fontSize=14, dx=dx + aside.get("xOffset", 0),
            dy=dy + aside.get("yOffset", 0),
        )  # fmt: skip
        layers.append(arrow.encode(**other, **{along: d_channel(along)}, tooltip=tips))
    return layers


def d_channel(along: Axis, field: str = "place", title: str = "intrinsic dimension d₉₀") -> Any:
    """The axis of d₉₀, or of d: logarithmic until the page's reader says otherwise."""
    import altair as alt

    channel: Any = alt.X if along == "x" else alt.Y
    return channel(
        field=field, type="quantitative", title=title,
        scale=alt.Scale(type="log", nice=False, padding=24),
        axis=alt.Axis(format="~s", gridOpacity=_DECADES),
    )  # fmt: skip
