"""The evaluation metric over d, by DID and by SAID, to be hovered (A21 Figure 1)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.levels import levels, metric_channel
from pipeline.report.charts.marks import d_channel, visible
from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

_METHODS = ("did", "said")
_GROUP = ["method", "d"]


def sweep(tables: Tables, config: ReportConfig) -> list[Panel]:
    """A panel a model and task: the best rate at each d, the mean of the seeds with their range."""
    places = tables.table1.drop_duplicates(["model", "task"])
    return [
        _panel(f"sweep_{number}", row, metric_of(tables.table1), config)
        for number, (_, row) in enumerate(places.iterrows())
    ]


def _panel(name: str, row: pd.Series, metric: str, config: ReportConfig) -> Panel:
    import altair as alt

    title = f"{row['label']}, {row['task']}"
    describes = f"{metric} over the subspace dimension d: {title}. Table 1 and sweep.csv have it."
    own = alt.FieldEqualPredicate(equal=row["model"], field="model")
    same = alt.FieldEqualPredicate(equal=row["task"], field="task")
    swept, found = (
        alt.Chart(alt.NamedData(name)).transform_filter(own).transform_filter(same)
        for name in ("sweep", "table1")
    )
    first = found.transform_filter(alt.FieldEqualPredicate(equal=row["method"], field="method"))
    layers = [*levels(first, metric), *_curves(swept, metric, config), _published(found, metric)]
    chart = alt.layer(*layers, height=280)
    return Panel(name, title, describes, specification(chart, describes))


def _curves(swept: Any, metric: str, config: ReportConfig) -> list[Any]:
    """By method the range of the seeds, their mean, and a point a d to hover."""
    import altair as alt

    shown = [visible(config.palette[place % len(config.palette)]) for place in range(2)]
    colour = alt.Color(
        field="method", type="nominal", title="method",
        scale=alt.Scale(domain=list(_METHODS), range=shown),
    )  # fmt: skip
    best = (
        swept.transform_filter("isValid(datum.eval_metric)")
        .transform_aggregate(best="max(eval_metric)", groupby=[*_GROUP, "seed"])
        .transform_aggregate(
            mean="mean(best)", least="min(best)", most="max(best)", seeds="count()", groupby=_GROUP
        )
    )
    across = d_channel("x", "d", "subspace dimension d")
    tips = [
        alt.Tooltip(field="d", type="quantitative", format=","),
        alt.Tooltip(field="mean", type="quantitative", format=".4f", title="mean of the seeds"),
        alt.Tooltip(field="least", type="quantitative", format=".4f"),
        alt.Tooltip(field="most", type="quantitative", format=".4f"),
        alt.Tooltip(field="seeds", type="quantitative"),
        alt.Tooltip(field="method", type="nominal"),
    ]
    band, axis = metric_channel("least", metric), metric_channel("mean", metric)
    return [
        best.mark_area(opacity=0.2).encode(x=across, y=band, y2={"field": "most"}, color=colour),
        best.mark_line(strokeWidth=1.8).encode(x=across, y=axis, color=colour),
        best.mark_point(filled=True, size=40, opacity=1).encode(
            x=across, y=axis, color=colour, shape=alt.Shape(field="method"), tooltip=tips
        ),
    ]


def _published(found: Any, metric: str) -> Any:
    """What A21 published, where model, task and protocol are the paper's."""
    import altair as alt

    same = "isValid(datum.published) && datum.deviations == '' && datum.full_deviations == ''"
    mark = found.transform_filter(same).mark_point(
        shape="cross", size=70, color="currentColor", opacity=1
    )
    tips = [
        alt.Tooltip(field="published", type="quantitative", format=",", title="published d₉₀"),
        alt.Tooltip(field="method", type="nominal"),
    ]
    across = d_channel("x", "published", "subspace dimension d")
    return mark.encode(x=across, y=metric_channel("target", metric), tooltip=tips)
