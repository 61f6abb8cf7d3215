"""How figures look: sizes for a paper's column, colours that are safe for the colour-blind."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from pipeline.common.checked import Name, Range, check_fields

# Okabe and Ito's palette without its yellow, which is too light on white, and with grey last.
_OKABE_ITO = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#7F7F7F",
)
_MARKERS = ("o", "s", "D", "v", "^", "P", "X", "p")
_STYLE = Path(__file__).with_name("style.mplstyle")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_MM_PER_INCH = 25.4
_POINTS_PER_INCH = 72
_LETTER = 0.58  # a letter's width, as a part of the font's size


@dataclass(frozen=True)
class ReportConfig:
    """Figures' width in millimetres, font size in points, PNG resolution, a colour a task.

    ``axis`` is what pretraining is counted in: the checkpoints' own ``steps``, or ``tokens`` seen.
    """

    width_mm: Annotated[float, Range(least=70, most=400)] = 120.0
    font_pt: Annotated[float, Range(least=5, most=24)] = 8.0
    dpi: Annotated[int, Range(least=50, most=1200)] = 200
    palette: tuple[Name, ...] = _OKABE_ITO
    axis: Literal["steps", "tokens"] = "steps"

    def __post_init__(self) -> None:
        check_fields(self)
        wrong = [colour for colour in self.palette if not _COLOUR.fullmatch(colour)]
        if wrong or not self.palette:
            raise ValueError(
                f"palette must list colours such as '#0072B2', not {wrong or 'nothing'}"
            )

    def size(self, aspect: float) -> tuple[float, float]:
        """Width and height in inches; ``aspect`` is height over width."""
        width = self.width_mm / _MM_PER_INCH
        return width, width * aspect

    def line_inches(self) -> float:
        """Height of a line of the legend, in inches."""
        return 1.55 * self.font_pt / _POINTS_PER_INCH

    def legend_columns(self, labels: list[str]) -> int:
        """The most columns, up to four, in which a legend of these labels fits the width."""
        # Handle and paddings take about 4.8 sizes.
        widths = [
            (_LETTER * len(label.replace("$", "")) + 4.8) * (self.font_pt - 1) for label in labels
        ]
        room = self.width_mm / _MM_PER_INCH * _POINTS_PER_INCH
        for columns in (4, 3, 2):
            filled = [column for column in np.array_split(widths, columns) if column.size]
            if sum(column.max() for column in filled) <= room:
                return columns
        return 1

    def wrap(self, text: str) -> list[str]:
        """A text in lines that fit the width."""
        letters = self.width_mm / _MM_PER_INCH * _POINTS_PER_INCH / (_LETTER * (self.font_pt - 1))
        return textwrap.wrap(text, max(20, int(letters)), break_long_words=True)

    def by_task(self, tasks: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """A colour and a marker for each task, in order; both repeat only past eight tasks."""
        colours = {task: self.palette[i % len(self.palette)] for i, task in enumerate(tasks)}
        markers = {task: _MARKERS[i % len(_MARKERS)] for i, task in enumerate(tasks)}
        return colours, markers


@contextmanager
def styled(config: ReportConfig) -> Iterator[Any]:
    """Draw in the report's style; yields ``matplotlib.pyplot`` on the file-only backend."""
    import matplotlib

    matplotlib.use("Agg")
    import seaborn
    from matplotlib import pyplot

    settings: Any = {
        "font.size": config.font_pt,
        "axes.labelsize": config.font_pt,
        "axes.titlesize": config.font_pt + 1,
        "xtick.labelsize": config.font_pt - 1,
        "ytick.labelsize": config.font_pt - 1,
        "legend.fontsize": config.font_pt - 1,
        "legend.title_fontsize": config.font_pt - 1,
        "figure.dpi": config.dpi,
    }
    with seaborn.axes_style("ticks"), matplotlib.rc_context(settings, fname=_STYLE):
        try:
            yield pyplot
        finally:
            pyplot.close("all")
