"""The report as one self-contained page."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import atomic_file
from pipeline.common.status import SearchEnd
from pipeline.report.columns import OTHERS
from pipeline.report.figures import wanted
from pipeline.report.provenance import Provenance
from pipeline.report.sentences import not_monotone, other_threads, sentence, to_try, unit_of
from pipeline.report.shown import (
    d90_shown,
    interval_shown,
    metric_name,
    metric_of,
    metric_shown,
    paper_shown,
    whole_shown,
)
from pipeline.report.tables import Tables
from pipeline.report.trends import CLAIMS, POOLED, compared_metric

_TEMPLATE = Path(__file__).with_name("page.html")
# What tables of the page show as the table of cells has it, and with three decimals.
_AS_IT_IS = ("model", "label", "step", "task", "status", "reason", "advice", "probes")
_METRICS = ("target", "full_metric", "chance", "full_train_metric", "relative_gap")
# Columns that say where trainings are not those that d₉₀ is defined by, and whose they are.
_DEVIATIONS = {"full_deviations": "full fine-tuning", "deviations": "probes"}


def write_page(tables: Tables, facts: Provenance, figures: Path, path: Path) -> None:
    """Write the page with its figures inside it; everything shown is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    html = template.render(
        figures=[
            {
                "title": figure.title,
                "caption": figure.caption_of(tables),
                "svg": _inline(figures, figure.name, figure.title),
            }
            for figure in wanted(tables)
        ],
        zoo=_rows(tables.of("zoo")),
        table1=_rows(tables.table1),
        facts=facts,
        **_how_well(tables),
        **_along_pretraining(tables),
    )
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _along_pretraining(tables: Tables) -> dict[str, Any]:
    """What the page tells of the trajectory."""
    cells = tables.of("trajectory")
    return {
        "hopeless": to_try(cells),
        "sentences": [
            sentence(str(task), rows) for task, rows in cells.groupby("task", sort=False)
        ],
        "claims": [_claim(row, cells) for _, row in _worth_showing(tables.trends).iterrows()],
        "cells": _rows(cells),
        "metrics": _metrics(cells),
        "others": {name: metric_name(name.removeprefix(OTHERS)) for name in _others(cells)},
        "others_than_compared": _not_compared(cells),
        "uncomputable": _rows(cells[cells["d90"].isna()]),
        "unit": unit_of(cells),
        **_cost(tables, cells),
    }


def _cost(tables: Tables, cells: pd.DataFrame) -> dict[str, Any]:
    """How large the models are, and what measuring them took."""
    names = [f"{stage}_cost_{what}" for stage in ("full", "search") for what in ("tokens", "flop")]
    sizes = {"parameters": "parameters", "least": "d_min", "most": "d_max"}
    return {
        "cost": {name: f"{cells[name].sum():.3g}" for name in names},
        "probes": int((tables.probes["family"] == "trajectory").sum()),
        "sizes": {key: _range(cells[name]) for key, name in sizes.items()} if len(cells) else {},
    }


def _range(numbers: pd.Series) -> str:
    low, high = f"{numbers.min():,}", f"{numbers.max():,}"
    return low if low == high else f"{low}–{high}"


def _worth_showing(trends: pd.DataFrame) -> pd.DataFrame:
    """Every claim pooled, and the fall along pretraining for each task as well."""
    return trends[(trends["scope"] == POOLED) | (trends["claim"] == "falls")]


def _claim(row: pd.Series, cells: pd.DataFrame) -> dict[str, Any]:
    claim = CLAIMS[row["claim"]]
    across_tasks = claim.over == "task"
    compared = cells[cells["metric"] == compared_metric(cells)] if across_tasks else cells
    pooled = row["scope"] == POOLED
    return {
        "text": claim.text.format(metric=metric_of(compared)) if pooled else row["scope"],
        "pooled": pooled,
        "tau": _interval(row, "tau"),
        "rho": _interval(row, "rho"),
        "p": "–" if pd.isna(row["p"]) else f"{row['p']:.2g} (≥ {row['p_least']:.2g})",
        "sample": f"{row['units']} {'tasks' if across_tasks else 'checkpoints'}",
        "cells": f"{row['cells']} ({row['censored']}, {row['left_out']})",
        "verdict": row["verdict"],
    }


def _interval(row: pd.Series, name: str) -> str:
    """A correlation with its interval, minus signs as such."""
    if pd.isna(row[f"{name}_low"]):
        return "–"
    value = "?" if pd.isna(row[name]) else f"{row[name]:.2f}"
    text = f"{value} [{row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f}]"
    return text.replace("-", "−")


def _rows(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as the page shows them."""
    return [_shown(row) for _, row in cells.iterrows()]


def _shown(row: pd.Series) -> dict[str, Any]:
    metrics = (*_METRICS, *_others(row.index))
    return {
        **{name: row[name] for name in _AS_IT_IS},
        **{name: metric_shown(row[name]) for name in metrics},
        "method": row["method"].upper(),
        "d90": d90_shown(row),
        "interval": interval_shown(row),
        "paper": paper_shown(row),
        "ended": row["ended"] or "–",
        "published": whole_shown(row.get("published")),
        "parameters": whole_shown(row["parameters"]),
    }


def _others(columns: Iterable[Hashable]) -> list[str]:
    """The columns of further metrics among these."""
    return [str(name) for name in columns if str(name).startswith(OTHERS)]


def _metrics(cells: pd.DataFrame) -> list[str]:
    """Every metric with the tasks that it is of."""
    found = cells.groupby("metric", sort=False)["task"]
    return [f"{metric_name(str(name))} ({_listed(tasks)})" for name, tasks in found]


def _not_compared(cells: pd.DataFrame) -> str:
    """The tasks that claims about tasks leave out, because their metric is another."""
    return _listed(cells["task"][cells["metric"] != compared_metric(cells)])


def _how_well(tables: Tables) -> dict[str, Any]:
    """What limits every d₉₀ of the page: how searches ended, contradictions, deviations."""
    every = pd.concat([tables.cells, tables.table1])
    counts = every["ended"].value_counts()
    return {
        "ends": [
            {"name": end.value, "count": int(counts[end.value]), "sentence": end.sentence}
            for end in SearchEnd
            if end.value in counts
        ],
        "searched": int(counts.drop("", errors="ignore").sum()),
        "not_monotone": not_monotone(every),
        "data_notes": _deviations(every, "data_notes"),
        "other_threads": other_threads(every),
        "deviations": {
            what: found
            for name, what in _DEVIATIONS.items()
            if name in every and (found := _deviations(every, name))
        },
    }


def _deviations(cells: pd.DataFrame, column: str) -> list[str]:
    """Every deviation with the tasks that it holds for."""
    found = cells[cells[column] != ""].groupby(column, sort=False)["task"]
    return [f"{text} ({_listed(tasks)})" for text, tasks in found]


def _listed(tasks: pd.Series) -> str:
    return ", ".join(dict.fromkeys(tasks))


def _inline(figures: Path, name: str, title: str) -> Any:
    """The SVG without its XML prologue, named for screen readers, its ids not shared by figures."""
    from markupsafe import Markup, escape

    text = (figures / f"{name}.svg").read_text(encoding="utf-8")
    body = text[text.index("<svg") :]
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    return Markup(body.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1))
