"""Certificates over pretraining, to be hovered."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.marks import Look, looks
from pipeline.report.charts.trajectory import step_channel
from pipeline.report.figures.certificates import best_candidates
from pipeline.report.figures.parts import tasks_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

# The lines beside the bound: their dashes and their strength.
_BESIDE = {"eval_error": ([7, 4], 0.8), "majority_error": ([2, 3], 0.6)}
_APART = 4.0


def certificates(tables: Tables, config: ReportConfig) -> list[Panel]:
    """The bound over pretraining, a line a task, with the errors that it lies between."""
    import altair as alt

    describes = (
        "The bound on the risk over pretraining, a line a task, with the error on evaluation rows "
        "dashed and that of the commonest answer dotted. certificates.csv has every number."
    )
    rows = best_candidates(tables)
    proved = set(rows[rows["family"] == "trajectory"]["task"])
    # A task has the colour that it has in the other charts.
    every = looks(config, tasks_of(tables.of("trajectory")), _APART)
    across = step_channel(tables, config)
    shown = (look for look in every if look.value in proved)
    layers = [layer for look in shown for layer in _lines(look, across)]
    chart = alt.layer(*layers, data=alt.NamedData("certificates"), height=340)
    return [Panel("certificates", "", describes, specification(chart, describes, {"steps": True}))]


def _lines(look: Look, across: Any) -> list[Any]:
    """The bound with its marks, and thinner the errors beside it."""
    import altair as alt

    own = (
        alt.Chart()
        .transform_filter(alt.FieldEqualPredicate(equal=look.value, field="task"))
        .transform_filter("datum.best && datum.family == 'trajectory'")
    )
    layers = [
        own.mark_line(
            color=look.colour, strokeWidth=1, strokeDash=dashes, opacity=strength,
            xOffset=look.aside,
        ).encode(x=across, y=_share(column))
        for column, (dashes, strength) in _BESIDE.items()
    ]  # fmt: skip
    line = own.mark_line(color=look.colour, strokeWidth=1.8, xOffset=look.aside)
    marks = own.mark_point(
        color=look.colour, fill=look.colour, shape=look.shape, size=55, opacity=1,
        xOffset=look.aside,
    )  # fmt: skip
    return [
        *layers,
        line.encode(x=across, y=_share("bound")),
        marks.encode(x=across, y=_share("bound"), tooltip=_tips()),
    ]


def _share(column: str) -> Any:
    import altair as alt

    return alt.Y(field=column, type="quantitative", title="share of wrong answers")


def _tips() -> list[Any]:
    """What hovering a mark tells."""
    import altair as alt

    shares = {
        "bound": "risk at most", "hoeffding": "Hoeffding’s form", "complexity": "√(d/m)",
        "train_error": "training error", "eval_error": "evaluation error",
        "majority_error": "commonest answer",
    }  # fmt: skip
    counts = {"rows": "m, training rows", "d": "d", "levels": "levels", "code": "bits of the file"}
    return [
        alt.Tooltip(field="label", type="nominal", title="checkpoint"),
        alt.Tooltip(field="task", type="nominal"),
        *(
            alt.Tooltip(field=name, type="quantitative", title=title, format=".4f")
            for name, title in shares.items()
        ),
        *(
            alt.Tooltip(field=name, type="quantitative", title=title, format=",")
            for name, title in counts.items()
        ),
    ]
