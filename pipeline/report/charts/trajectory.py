"""d₉₀ over pretraining, to be hovered (A21 Figure 2)."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts.chart import Panel, Spec, specification
from pipeline.report.charts.marks import estimates, looks, places, tooltip
from pipeline.report.figures.parts import tasks_of, uneven
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

# Pixels between the marks of two tasks at one checkpoint.
_APART = 6.0


def trajectory(tables: Tables, config: ReportConfig) -> list[Panel]:
    """d₉₀ over pretraining, a line a task; steps or tokens, logarithmic or not."""
    import altair as alt

    cells = tables.of("trajectory")
    describes = (
        "Intrinsic dimension d₉₀ over pretraining, a line a task, with 95 % intervals. The table "
        "of d₉₀ by task and checkpoint has the same numbers."
    )
    along: Spec = {"x": step_channel(tables, config)}
    tips = tooltip(cells)
    layers = [
        layer
        for look in looks(config, tasks_of(cells), _APART)
        for layer in estimates("y", along, look, tips, joined=True)
    ]
    chart = alt.layer(*layers, data=alt.NamedData("cells"), height=380, transform=places())
    spec = specification(chart, describes, {"steps": True})
    return [Panel("trajectory", "", describes, spec)]


def step_channel(tables: Tables, config: ReportConfig) -> Any:
    """The axis of pretraining, with a tick at every checkpoint."""
    import altair as alt

    cells = tables.of("trajectory")
    field = "tokens_seen" if config.axis == "tokens" else "step"
    steps = sorted({float(step) for step in cells[field].dropna()})
    unit = "tokens" if config.axis == "tokens" else str(next(iter(cells["unit"]), "updates"))
    return alt.X(
        field=field, type="quantitative", title=f"pretraining {unit}",
        scale=step_scale(steps), axis=alt.Axis(
            # Each number in its own unit: a format alone takes the largest's for all, so 10 is 0k.
            labelExpr="format(datum.value, '~s')", values=steps, labelOverlap="greedy",
        ),
    )  # fmt: skip


def step_scale(steps: list[float]) -> Any:
    """Linear for evenly spaced checkpoints, else logarithmic from the first step above 0 on."""
    import altair as alt

    usual = alt.Scale(type="linear", nice=False, zero=False, padding=24)
    if not uneven(steps):
        return usual
    least = min((step for step in steps if step > 0), default=1.0)
    return alt.Scale(type="symlog", constant=least, nice=False, zero=False, padding=24)
