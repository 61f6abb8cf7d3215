"""What training in a task's own directions comes to along pretraining, beside its controls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

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


# The same of directions that several tasks have together.
SHARED = {
    "own": "the task’s own directions",
    "unified": "those of all tasks together",
    "transferred": "those of the other tasks",
    "random": "as many random directions",
}


def taskspaces(tables: Tables, config: ReportConfig) -> list[Panel]:
    """A panel a task, a line an arm: the mean over seeds with its 95 % interval."""
    says = "What training in the task’s own directions comes to along pretraining"
    return _panels("taskspaces", says, ARMS, tables, config)


def transfer(tables: Tables, config: ReportConfig) -> list[Panel]:
    """The same of directions that several tasks have together."""
    says = "What training in several tasks’ directions comes to along pretraining"
    return _panels("transfer", says, SHARED, tables, config)


def _panels(
    table: str, says: str, arms: Mapping[str, str], tables: Tables, config: ReportConfig
) -> list[Panel]:
    rows = getattr(tables, table)
    tasks = tasks_of(rows[(rows["family"] == "trajectory") & (rows["arm"] != "")])
    across = step_channel(tables, config)
    return [
        _panel(
            f"{table}_{number}", rows[rows["task"] == task], arms, across, config,
            f"{says}, beside its controls: {task}. {table}.csv has every number.",
        )
        for number, task in enumerate(tasks)
    ]  # fmt: skip


def _panel(
    name: str, own: pd.DataFrame, arms: Mapping[str, str], across: Any, config: ReportConfig,
    describes: str,
) -> Panel:  # fmt: skip
    import altair as alt

    task, title = str(own["task"].iloc[0]), metric_of(own)
    shown = [visible(config.palette[place % len(config.palette)]) for place in range(len(arms))]
    colour = alt.Color(
        field="arm", type="nominal", title=None,
        scale=alt.Scale(domain=list(arms), range=shown),
        legend=alt.Legend(labelExpr=_names(arms)),
    )  # fmt: skip
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
    chart = alt.layer(*layers, data=alt.NamedData(name.rpartition("_")[0]), height=320)
    meta = {"steps": True, "letters": max(map(len, arms.values()))}
    return Panel(name, task, describes, specification(chart, describes, meta))


def _names(arms: Mapping[str, str]) -> str:
    """Vega's expression for an arm's name."""
    cases = (f"datum.value == '{arm}' ? '{name}' : " for arm, name in arms.items())
    return f"{''.join(cases)}datum.value"


def _tips() -> list[Any]:
    """What hovering a mark tells."""
    import altair as alt

    numbers = {
        "eval_metric": ("mean of the seeds", ".4f"), "eval_low": ("95 % from", ".4f"),
        "eval_high": ("to", ".4f"), "seeds": ("seeds", ","),
        "dimension": ("coordinates", ","),
    }  # fmt: skip
    return [
        alt.Tooltip(field="label", type="nominal", title="checkpoint"),
        alt.Tooltip(field="arm", type="nominal"),
        *(
            alt.Tooltip(field=name, type="quantitative", title=title, format=how)
            for name, (title, how) in numbers.items()
        ),
    ]
