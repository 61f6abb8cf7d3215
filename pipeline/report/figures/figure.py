"""What a figure is: one entry of the registry in `pipeline.report.figures`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        name: that of its files.
        title: what the page calls it.
        caption: what a reader must know to read it; ``{metric}`` stands for its cells' metric.
        shows: the rows of the tables that it shows; without any the figure is not wanted.
        draw: draws it with ``matplotlib.pyplot``; returns matplotlib's figure.
    """

    name: str
    title: str
    caption: str
    shows: Callable[[Tables], pd.DataFrame]
    draw: Callable[[Any, Tables, ReportConfig], Any]

    def wanted(self, tables: Tables) -> bool:
        """Whether there is something to show."""
        return len(self.shows(tables)) > 0

    def caption_of(self, tables: Tables) -> str:
        """The caption for these tables, which names their metric."""
        shown = self.shows(tables)
        return self.caption.format(metric=metric_of(shown) if "metric" in shown else "")
