"""What each cell took, by stage."""

from __future__ import annotations

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.marks import visible
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

_STAGES = ("baseline", "search", "sweep", "bound", "its", "transfer", "representation")


def cost(tables: Tables, config: ReportConfig) -> list[Panel]:
    """A bar a model, of a piece a task and stage, in FLOP."""
    import altair as alt

    describes = "FLOP of everything that was measured, a bar a model; costs.csv has every number."
    there = set(tables.costs["stage"])
    stages = [stage for stage in _STAGES if stage in there or stage in _STAGES[:2]]
    shown = [visible(config.palette[place % len(config.palette)]) for place in range(len(stages))]
    models = list(dict.fromkeys([*tables.cells["model"], *tables.table1["model"]]))
    tips = [
        alt.Tooltip(field="model", type="nominal"),
        alt.Tooltip(field="task", type="nominal"),
        alt.Tooltip(field="stage", type="nominal"),
        alt.Tooltip(field="runs", type="quantitative", title="trainings"),
        alt.Tooltip(field="tokens", type="quantitative", format=","),
        alt.Tooltip(field="flop", type="quantitative", format=".3~s", title="FLOP"),
        alt.Tooltip(field="device", type="nominal"),
        alt.Tooltip(field="threads", type="quantitative"),
    ]
    chart = (
        alt.Chart(alt.NamedData("costs"), height=60 + 22 * len(models))
        .transform_filter(alt.FieldOneOfPredicate(field="model", oneOf=models))
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            y=alt.Y(field="model", type="nominal", sort=models, title=None),
            x=alt.X(field="flop", type="quantitative", title="FLOP",
                    axis=alt.Axis(format="~s", tickCount=8), stack="zero"),
            color=alt.Color(field="stage", type="nominal", title=None,
                            scale=alt.Scale(domain=stages, range=shown)),
            detail=alt.Detail(field="task", type="nominal"),
            tooltip=tips,
        )
    )  # fmt: skip
    return [Panel("cost", "", describes, specification(chart, describes))]
