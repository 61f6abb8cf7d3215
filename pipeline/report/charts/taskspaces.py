"""What training in a task's own directions comes to along pretraining, beside its controls."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.levels import metric_channel
from pipeline.report.charts.marks import visible
from pipeline.report.charts.trajectory import step_channel
from pipeline.report.figures.parts import tasks_of
from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

# Arms in the order of the legend, as readers see them.
ARMS = {
    "full": "everything",
    "basis": "the task’s own directions",
    "random": "as many random directions",
    "one_direction": "the first direction alone",
    "mean_only": "the snapshots’ mean alone",
    "frozen": "layers frozen",
    "outliers_zeroed": "everything, outliers zeroed first",
    "matched_zeroed": "everything, others like them zeroed",
}


def taskspaces(tables: Tables, config: ReportConfig) -> list[Panel]:
    """A panel a task, a line an arm: the mean over seeds with its 95 % interval."""
    rows = tables.taskspaces
    tasks = tasks_of(rows[rows["family"] == "trajectory"])
    return [_panel(f"taskspaces_{n}", task, tables, config) for n, task in enumerate(tasks)]


def _panel(name: str, task: str, tables: Tables, config: ReportConfig) -> Panel:
    import altair as alt

    describes = (
        f"What training in the task’s own directions comes to along pretraining, beside its "
        f"controls: {task}. taskspaces.csv has every number."
    )
    own = tables.taskspaces[tables.taskspaces["task"] == task]
    title = metric_of(own)
    shown = [visible(config.palette[place % len(config.palette)]) for place in range(len(ARMS))]
    colour = alt.Color(
        field="arm", type="nominal", title=None,
        scale=alt.Scale(domain=list(ARMS), range=shown),
        legend=alt.Legend(labelExpr=_names()),
    )  # fmt: skip
    across = step_channel(tables, config)
    rows = (
        alt.Chart()
        .transform_filter(alt.FieldEqualPredicate(equal=task, field="task"))
        .transform_filter("datum.family == 'trajectory' && isValid(datum.eval_metric)")
    )
    mean = metric_channel("eval_metric", title)
    bars = rows.transform_filter("isValid(datum.eval_low)").mark_rule(opacity=0.5)
    layers = [
        bars.encode(
            x=across, y=metric_channel("eval_low", title), y2={"field": "eval_high"}, color=colour
        ),
        rows.mark_line(strokeWidth=1.6).encode(x=across, y=mean, color=colour),
        rows.mark_point(filled=True, size=45, opacity=1).encode(
            x=across, y=mean, color=colour, tooltip=_tips()
        ),
    ]
    chart = alt.layer(*layers, data=alt.NamedData("taskspaces"), height=280)
    return Panel(name, task, describes, specification(chart, describes, {"steps": True}))


def _names() -> str:
    """Vega's expression for an arm's name."""
    cases = (f"datum.value == '{arm}' ? '{name}' : " for arm, name in ARMS.items())
    return f"{''.join(cases)}datum.value"


def _tips() -> list[Any]:
    """What hovering a mark tells."""
    import altair as alt

    numbers = {
        "eval_metric": ("mean of the seeds", ".4f"), "eval_low": ("95 % from", ".4f"),
        "eval_high": ("to", ".4f"), "seeds": ("seeds", ","),
        "dimension": ("coordinates", ","), "trained": ("trained numbers", ","),
    }  # fmt: skip
    return [
        alt.Tooltip(field="label", type="nominal", title="checkpoint"),
        alt.Tooltip(field="arm", type="nominal"),
        *(
            alt.Tooltip(field=name, type="quantitative", title=title, format=how)
            for name, (title, how) in numbers.items()
        ),
    ]
