"""The report as one self-contained page: HTML with its styles, data, charts and script inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.common.artifacts import atomic_file
from pipeline.report.figures.parts import tasks_of
from pipeline.report.page.answer import answer
from pipeline.report.page.cells import STATUSES, by_checkpoint, other_names, rows
from pipeline.report.page.claims import claims, decidable, further, others_than_compared
from pipeline.report.page.data import as_script, embedded
from pipeline.report.page.drawn import Drawing, figures, library, specifications
from pipeline.report.page.legend import legend
from pipeline.report.page.limits import limits, metrics, noted
from pipeline.report.page.proved import proved
from pipeline.report.page.spent import spent
from pipeline.report.page.traced import Context, Source
from pipeline.report.provenance import Provenance
from pipeline.report.sentences import sentence, to_try, unit_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

_ASSETS = Path(__file__).with_name("assets")
_SCRIPTS = ("page.js", "keys.js", "charts.js", "table.js", "cell.js")


def write_page(
    tables: Tables,
    facts: Provenance,
    path: Path,
    *,
    config: ReportConfig,
    embedded_data: str = "",
) -> None:
    """Write the page; everything shown is escaped, and its bytes follow from what it is given.

    Args:
        tables: what was measured.
        facts: what was run.
        path: where the page goes.
        config: the figures' looks.
        embedded_data: what of the data is the embedded world's, as a sentence without its full
            stop; empty where nothing is.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(_ASSETS),
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    drawn = figures(tables, config)
    html = environment.get_template("page.html").render(
        answer=answer(tables),
        figures=drawn,
        notes=noted(tables, embedded_data),
        table1=rows(Source("table1", tables.table1), tables.table1),
        zoo=rows(Source("cells", tables.cells), tables.of("zoo")),
        facts=facts,
        style=_asset("page.css"),
        library=library(),
        scripts=[_asset(name) for name in _SCRIPTS],
        data=as_script(_for_script(tables, drawn, config)),
        legend=legend(tables, config),
        **limits(tables),
        **spent(tables),
        **proved(tables),
        **_along_pretraining(tables),
    )
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _along_pretraining(tables: Tables) -> Context:
    """What the page tells of the trajectory."""
    cells, source = tables.of("trajectory"), Source("cells", tables.cells)
    return {
        "hopeless": to_try(cells),
        "sentences": [
            source.html(sentence(str(task), own)) for task, own in cells.groupby("task", sort=False)
        ],
        "claims": claims(tables),
        "further_claims": further(tables),
        "decidable": decidable(tables),
        "cells": rows(source, cells),
        "grid": by_checkpoint(source, cells),
        "metrics": metrics(cells),
        "others": other_names(cells.columns),
        "others_than_compared": ", ".join(others_than_compared(cells)),
        "uncomputable": rows(source, cells[cells["d90"].isna()]),
        "unit": unit_of(cells),
        "tasks": tasks_of(cells),
        "statuses": {name: STATUSES[name] for name in dict.fromkeys(cells["status"])},
    }


def _for_script(tables: Tables, drawn: list[Drawing], config: ReportConfig) -> Context:
    """Everything that the script is given."""
    return {
        "tables": embedded(tables),
        "specs": specifications(drawn, config),
        "axis": "tokens_seen" if config.axis == "tokens" else "step",
        "statuses": STATUSES,
    }


def _asset(name: str) -> Any:
    from markupsafe import Markup

    return Markup((_ASSETS / name).read_text(encoding="utf-8"))
