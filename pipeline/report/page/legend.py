"""The legend of all charts: a switch a task, with the look of its marks."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.charts.marks import looks
from pipeline.report.figures.parts import tasks_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

# Vega's markers as paths in a square from −6 to 6.
_PATHS = {
    "circle": "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0Z",
    "square": "M-4.5,-4.5h9v9h-9Z",
    "diamond": "M0,-6L5,0L0,6L-5,0Z",
    "triangle-up": "M-5,5L0,-5L5,5Z",
    "triangle-down": "M-5,-5L0,5L5,-5Z",
    "triangle-left": "M5,-5L-5,0L5,5Z",
    "triangle-right": "M-5,-5L5,0L-5,5Z",
    "cross": "M-2,-5h4v3h3v4h-3v3h-4v-3h-3v-4h3Z",
}


@dataclass(frozen=True)
class Key:
    """A task with the colour and the path of its marker."""

    task: str
    colour: str
    path: str


def legend(tables: Tables, config: ReportConfig) -> list[Key]:
    """A key a task, as charts draw them."""
    family = tables.of("trajectory")
    tasks = tasks_of(family if len(family) else tables.of("zoo"))
    return [Key(look.value, look.colour, _PATHS[look.shape]) for look in looks(config, tasks, 0.0)]
