"""What the page draws of a cell that is opened: its success curve, its trainings' courses."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts.chart import Panel, Spec, specification, unchecked
from pipeline.report.charts.levels import levels, metric_channel
from pipeline.report.charts.marks import d_channel, visible
from pipeline.report.style import ReportConfig

_METRIC = "evaluation metric"
# How trainings ended, in the order of the legend, each with its shape.
ENDINGS = {
    "reached": "circle", "missed": "square", "stopped": "triangle-down", "diverged": "cross",
}  # fmt: skip


def cell_panels(config: ReportConfig) -> list[Panel]:
    """The panels of any cell; the page gives each the rows of the cell that is opened."""
    with unchecked():
        return [_success(config), _learning(config), _full(config)]


def _success(config: ReportConfig) -> Panel:
    """The expected best metric over d with its 95 % band, and every probe as a point."""
    import altair as alt

    across = d_channel("x", "d", "subspace dimension d")
    colour = visible(config.palette[0])
    curve = alt.Chart(alt.NamedData("success"))
    tips = [
        alt.Tooltip(field="d", type="quantitative", format=","),
        alt.Tooltip(field="metric", type="quantitative", format=".4f", title="expected metric"),
        alt.Tooltip(field="metric_low", type="quantitative", format=".4f", title="95 % from"),
        alt.Tooltip(field="metric_high", type="quantitative", format=".4f", title="to"),
        alt.Tooltip(field="enough", type="quantitative", format=".0%", title="d₉₀ is at most d"),
    ]
    band = curve.mark_area(color=colour, opacity=0.18).encode(
        x=across, y=_metric("metric_low"), y2={"field": "metric_high"}, tooltip=tips
    )
    line = curve.mark_line(color=colour).encode(x=across, y=_metric("metric"))
    probes = alt.Chart(alt.NamedData("probes")).mark_point(filled=True, size=70, opacity=0.9)
    points = probes.encode(
        x=across, y=_metric("eval_metric"), tooltip=_of_probe("best metric"), **_by_ending(config)
    )
    chart = alt.layer(band, line, *_levels(), _estimate(), points, height=320)
    describes = "Evaluation metric over d: what is expected, with its 95 % band, and every probe."
    return Panel("success", "Success over d", describes, specification(chart, describes))


def _learning(config: ReportConfig) -> Panel:
    """The evaluations of each probe."""
    import altair as alt

    courses = alt.Chart(alt.NamedData("learning"))
    across = alt.X(field="evaluation", type="quantitative", title="evaluation",
                   axis=alt.Axis(tickMinStep=1))  # fmt: skip
    tips = [
        *_of_probe("metric"),
        alt.Tooltip(field="evaluation", type="quantitative"),
    ]
    shared = {"x": across, "y": _metric("eval_metric"), **_by_ending(config)}
    lines = courses.mark_line(point={"size": 24}).encode(
        **shared, detail=alt.Detail(field="probe", type="nominal"), tooltip=tips
    )
    chart = alt.layer(lines, *_levels(), height=280)
    describes = "Evaluation metric during each probe, a line a probe; learning.csv has it."
    return Panel("learning", "Learning curves of the probes", describes,
                 specification(chart, describes))  # fmt: skip


def _full(config: ReportConfig) -> Panel:
    """The evaluations of full fine-tuning, a line a run."""
    import altair as alt

    runs = alt.Chart(alt.NamedData("epochs")).transform_calculate(
        run="'rate ' + format(datum.learning_rate, '.3~g') + ', seed ' + datum.seed"
    )
    shown = [visible(colour) for colour in config.palette]
    tips = [
        alt.Tooltip(field="run", type="nominal"),
        alt.Tooltip(field="evaluation", type="quantitative"),
        alt.Tooltip(field="eval_metric", type="quantitative", format=".4f", title="metric"),
        alt.Tooltip(field="loss", type="quantitative", format=".4f", title="training loss"),
    ]
    lines = runs.mark_line(point={"size": 30}).encode(
        x=alt.X(field="evaluation", type="quantitative", title="evaluation (epoch)",
                axis=alt.Axis(tickMinStep=1)),
        y=_metric("eval_metric"),
        color=alt.Color(field="run", type="nominal", title=None, scale=alt.Scale(range=shown)),
        tooltip=tips,
    )  # fmt: skip
    chart = alt.layer(lines, *_levels(), height=240)
    describes = "Evaluation metric during full fine-tuning, a line a run; epochs.csv has it."
    return Panel("full", "Full fine-tuning", describes, specification(chart, describes))


def _by_ending(config: ReportConfig) -> Spec:
    """Colour and shape of a probe by how it ended."""
    import altair as alt

    order = (2, 1, 4, 3)
    colours = [visible(config.palette[place % len(config.palette)]) for place in order]
    names = list(ENDINGS)
    shapes = alt.Scale(domain=names, range=list(ENDINGS.values()))
    return {
        "color": alt.Color(field="status", type="nominal", title=None,
                           scale=alt.Scale(domain=names, range=colours)),
        "shape": alt.Shape(field="status", type="nominal", title=None, scale=shapes),
    }  # fmt: skip


def _of_probe(metric: str) -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip(field="probe", type="quantitative", title="probe"),
        alt.Tooltip(field="d", type="quantitative", format=","),
        alt.Tooltip(field="eval_metric", type="quantitative", format=".4f", title=metric),
        alt.Tooltip(field="seed", type="quantitative"),
        alt.Tooltip(field="learning_rate", type="quantitative", format=".3~g"),
        alt.Tooltip(field="status", type="nominal", title="why it ended"),
    ]


def _levels() -> list[Any]:
    import altair as alt

    return levels(alt.Chart(alt.NamedData("cell")), _METRIC)


def _metric(field: str) -> Any:
    return metric_channel(field, _METRIC)


def _estimate() -> Any:
    """A vertical line at d₉₀."""
    import altair as alt

    row = alt.Chart(alt.NamedData("cell")).transform_filter("isValid(datum.d90)")
    return row.mark_rule(color="currentColor", opacity=0.7).encode(
        x=d_channel("x", "d90", "subspace dimension d")
    )
