"""What an interactive chart of the page is: an entry of the registry `pipeline.report.charts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.common.artifacts import Json
from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

# A Vega-Lite specification, its data named and not inside it.
Spec = Json


@dataclass(frozen=True)
class Panel:
    """One drawing of a chart.

    Attributes:
        name: what the page knows it by; letters, digits and underscores.
        title: what stands above it where a chart has several; empty otherwise.
        describes: what it shows, for those who do not see it.
        spec: how it is drawn.
    """

    name: str
    title: str
    describes: str
    spec: Spec


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Attributes:
        name: what the page knows it by.
        title: its heading.
        caption: what a reader must know to read it; ``{metric}`` stands for its cells' metric.
        shows: the rows that it shows; without any it is left out.
        draw: its panels, given the tables by their names and the figures' looks.
        of_d90: whether it shows d₉₀: its caption then says where trainings deviate from what d₉₀
            is defined by.
    """

    name: str
    title: str
    caption: str
    shows: Callable[[Tables], pd.DataFrame]
    draw: Callable[[Tables, ReportConfig], list[Panel]]
    of_d90: bool = False

    def panels(self, tables: Tables, config: ReportConfig) -> list[Panel]:
        """The panels, drawn without Altair's checks of every part, which take seconds."""
        with unchecked():
            return self.draw(tables, config)

    def caption_of(self, tables: Tables) -> str:
        """The caption for these tables, which names their metric."""
        shown = self.shows(tables)
        return self.caption.format(metric=metric_of(shown) if "metric" in shown else "")


def unchecked() -> AbstractContextManager[None]:
    """Altair does not check parts against its schema: tests look at the page in a browser."""
    from altair.utils.schemapi import debug_mode

    made: AbstractContextManager[None] = debug_mode(False)
    return made


def specification(chart: Any, describes: str, meta: Mapping[str, Any] | None = None) -> Spec:
    """The Vega-Lite specification of an Altair chart, in the page's looks, always the same text.

    ``meta`` says what the page's controls may change in it.
    """
    spec: Spec = chart.to_dict(validate=False, context={"consolidate_datasets": False})
    spec.pop("$schema", None)
    spec.update(description=describes, config=_LOOKS, width="container", usermeta=dict(meta or {}))
    spec["autosize"] = {"type": "fit", "contains": "padding", "resize": True}
    return spec


# Text and lines take the page's colour, so that charts follow its light and dark looks.
_INK = "currentColor"
_LOOKS: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK, "titleColor": _INK, "domainColor": _INK, "tickColor": _INK,
        "gridColor": _INK, "gridOpacity": 0.12, "labelFontSize": 12, "titleFontSize": 13,
        "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": _INK, "titleColor": _INK, "orient": "bottom", "labelFontSize": 12,
        "titleFontSize": 12, "titleFontWeight": "normal", "columns": 3, "symbolOpacity": 1,
    },
}  # fmt: skip
