"""d₉₀ in a task's own directions along pretraining, beside random ones on the same rows."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.marks import estimates, looks, places, tooltip
from pipeline.report.charts.trajectory import step_channel
from pipeline.report.figures.parts import tasks_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

_PANELS = {"own": "In the task’s own directions", "random": "In random directions"}
# What hovering a mark tells, of what it tells in the trajectory's chart.
_TOLD = ("label", "task", "step", "tokens_seen", "estimate", "interval", "target")
_APART = 6.0


def own(tables: Tables, config: ReportConfig) -> list[Panel]:
    """Two panels like that of the trajectory: the task's own directions, and random ones."""
    return [_panel(name, tables, config) for name in _PANELS]


def _panel(directions: str, tables: Tables, config: ReportConfig) -> Panel:
    import altair as alt

    describes = (
        f"Intrinsic dimension d₉₀ over pretraining, a line a task, in {directions} directions; "
        "own.csv has the same numbers."
    )
    along: Any = {"x": step_channel(tables, config)}
    tips = [tip for tip in tooltip(tables.own) if tip.field in _TOLD]
    layers = [
        layer
        for look in looks(config, tasks_of(tables.of("trajectory")), _APART)
        for layer in estimates("y", along, look, tips, joined=True)
    ]
    kept = alt.FilterTransform(
        f"datum.directions == '{directions}' && datum.family == 'trajectory'"
    )
    chart = alt.layer(*layers, data=alt.NamedData("own"), height=300, transform=[kept, *places()])
    spec = specification(chart, describes, {"steps": True})
    return Panel(f"own_{directions}", _PANELS[directions], describes, spec)
