"""d₉₀ over the number of parameters, to be hovered (A21 Figure 3)."""

from __future__ import annotations

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.marks import estimates, looks, places, tooltip
from pipeline.report.figures.parts import tasks_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables


def zoo(tables: Tables, config: ReportConfig) -> list[Panel]:
    """d₉₀ over parameter count, both logarithmic, a mark a model and task."""
    import altair as alt

    cells = tables.of("zoo")
    describes = "d₉₀ over the number of parameters. The table of models has the same numbers."
    axis = alt.X(
        field="parameters", type="quantitative", title="parameters",
        scale=alt.Scale(type="log", nice=False, padding=24), axis=alt.Axis(format="~s"),
    )  # fmt: skip
    hidden = ("step", "tokens_seen")
    tips = [tip for tip in tooltip(cells) if tip.field not in hidden]
    layers = [
        layer
        for look in looks(config, tasks_of(cells), 4.0)
        for layer in estimates("y", {"x": axis}, look, tips, joined=False)
    ]
    names = alt.Chart().mark_text(dy=-12, fontSize=11, color="currentColor")
    axis_y = alt.Y(field="place", type="quantitative")
    layers.append(names.encode(x=axis, y=axis_y, text=alt.Text(field="label", type="nominal")))
    chart = alt.layer(*layers, data=alt.NamedData("zoo"), height=360, transform=places())
    return [Panel("zoo", "", describes, specification(chart, describes))]
