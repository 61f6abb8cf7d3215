"""The page that lays studies over each other, and what it shows as files."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import atomic_file
from pipeline.report.comparison.cells import BY_CHANCE, Agreement, compared, counts
from pipeline.report.comparison.sources import changed
from pipeline.report.comparison.studies import Study
from pipeline.report.figures.overlay import overlay
from pipeline.report.known import located, place
from pipeline.report.parts import metric, plain
from pipeline.report.saving import save_figure
from pipeline.report.shown import d90_shown, interval_shown
from pipeline.report.spreadsheet import neutralised
from pipeline.report.style import ReportConfig, styled

# A parameter's name, and its value in each study.
Parameter = tuple[str, tuple[str, ...]]
_TEMPLATE = Path(__file__).with_name("page.html")
# The tables of the page, in its order.
_SECTIONS = {
    Agreement.DIFFERS: "Cells that differ beyond their intervals",
    Agreement.ONE_SIDED: "Cells that have a d₉₀ in some of the studies only",
    Agreement.OVERLAPS: "Cells whose intervals overlap",
    Agreement.NONE: "Cells without a d₉₀ in any study",
    Agreement.ALONE: "Cells that not every study has",
}
_OPEN = (Agreement.DIFFERS, Agreement.ONE_SIDED)


def write_comparison(
    studies: Sequence[Study], parameters: Sequence[Parameter], folder: Path
) -> str:
    """Write ``index.html``, ``cells.csv`` and the figure of the trajectories into a folder.

    Args:
        studies: two or more.
        parameters: those in which they differ.
        folder: where the files go.

    Returns:
        In a few lines what differs, and where the page is.
    """
    cells = compared(studies)
    with atomic_file(folder / "cells.csv") as temporary:
        neutralised(cells).to_csv(temporary, index=False, lineterminator="\n")
    code = changed({study.name: study.sources for study in studies})
    found = counts(cells)
    with atomic_file(folder / "index.html") as temporary:
        temporary.write_text(
            _page(
                studies=[_described(study) for study in studies],
                parameters=parameters,
                code=code,
                unrecorded=[study.name for study in studies if not study.sources],
                sentence=_sentence(found),
                chance=f"{BY_CHANCE:.1%}",
                figure=_figure(cells, folder),
                sections=[_section(cells, kind) for kind in _SECTIONS if kind in found],
            ),
            encoding="utf-8",
        )
    return "\n".join([*_told(parameters, code, studies, cells), str(folder / "index.html")])


def _page(**shown: Any) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(**shown)


def _described(study: Study) -> Mapping[str, object]:
    return {
        "name": study.name,
        "place": study.place,
        "commit": study.commit or "–",
        "cells": len(study.cells),
        "located": len(located(study.cells)),
    }


def _sentence(found: Mapping[Agreement, int]) -> str:
    apart = found.get(Agreement.DIFFERS, 0)
    both = apart + found.get(Agreement.OVERLAPS, 0)
    if not both:
        return "No cell has a d₉₀ in all of these studies."
    return (
        f"Of {both} cells with a d₉₀ in all of these studies, {apart} "
        f"differ{'s' if apart == 1 else ''} beyond their 95 % intervals."
    )


def _told(
    parameters: Sequence[Parameter], code: Sequence[str], studies: Sequence[Study],
    cells: pd.DataFrame,
) -> list[str]:  # fmt: skip
    """What differs, a line each, for the terminal."""
    names = [study.name for study in studies]
    lines = [
        f"{name}: {'; '.join(f'{one} {value}' for one, value in zip(names, values, strict=True))}"
        for name, values in parameters
    ] or ["no parameter differs"]
    lines += [f"code or data that differ: {', '.join(code)}"] if code else []
    differing = cells[cells["agreement"] == Agreement.DIFFERS.value]
    for _, rows in differing.groupby(["family", "at", "task"], sort=False):
        shown = "; ".join(f"{row['study']} {_shown(row)}" for _, row in rows.iterrows())
        lines.append(f"{rows['task'].iloc[0]} at {rows['at'].iloc[0]}: {shown}")
    return [*lines, _sentence(counts(cells))]


def _shown(row: pd.Series) -> str:
    """A cell's d₉₀ with its interval, or why there is none."""
    if place(row) is None:
        return str(row["status"])
    return f"{d90_shown(row)} ({interval_shown(row)})"


def _section(cells: pd.DataFrame, kind: Agreement) -> Mapping[str, object]:
    own = cells[cells["agreement"] == kind.value]
    rows = [
        {
            "task": those["task"].iloc[0],
            "at": those["at"].iloc[0],
            "apart": those["apart"].iloc[0],
            "values": {row["study"]: _shown(row) for _, row in those.iterrows()},
            "metrics": {
                row["study"]: plain(metric(row, "full_metric")) for _, row in those.iterrows()
            },
        }
        for _, those in own.groupby(["family", "at", "task"], sort=False)
    ]
    return {
        "title": _SECTIONS[kind],
        "meaning": kind.sentence,
        "rows": rows,
        "open": kind in _OPEN,
        "apart": kind == Agreement.DIFFERS,
    }


def _figure(cells: pd.DataFrame, folder: Path) -> str:
    """The overlaid trajectories as the address of an image; empty where no study has one."""
    own = cells[cells["family"] == "trajectory"]
    if own.empty:
        return ""
    config = ReportConfig(width_mm=180.0)
    with styled(config) as pyplot:
        paths = save_figure(overlay(pyplot, own, config), folder, "trajectories", config)
    svg = next(path for path in paths if path.suffix == ".svg")
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.read_bytes()).decode()}"
