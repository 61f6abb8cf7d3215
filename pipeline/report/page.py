"""The report as one self-contained page."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import atomic_file
from pipeline.report.provenance import Provenance
from pipeline.report.shown import d90_shown, interval_shown, metric_shown
from pipeline.report.tables import Tables
from pipeline.report.trends import CLAIMS, POOLED
from pipeline.report.zoo_page import ZOO_CAPTIONS, table1_rows, zoo_captions, zoo_rows
from pipeline.report.zoo_tables import ZooTables

_TEMPLATE = Path(__file__).with_name("page.html")
_CAPTIONS = {
    "trajectory": (
        "Trajectory",
        "Smallest subspace dimension that reaches the target, over pretraining. A thin upright "
        "line is the 95 % interval of a d₉₀. An arrow upwards stands where even the largest "
        "dimension tried fell short, one downwards where the smallest already reached. "
        "Checkpoints where no d₉₀ is meaningful have no mark; under the figure and in the last "
        "table it says why.",
    ),
    "generalization": (
        "Generalization",
        "Evaluation accuracy of full fine-tuning over d₉₀, a mark a checkpoint, joined in the "
        "order of pretraining. An arrow to the right stands for a d₉₀ above the largest dimension "
        "tried, one to the left for a d₉₀ at or below the smallest. Cells without a d₉₀ are left "
        "out.",
    ),
    "relative_gap": (
        "Relative generalization gap",
        "(training − evaluation accuracy) / (1 − evaluation accuracy) of full fine-tuning at its "
        "best epoch, over d₉₀, marks as above. Undefined, and left out, where the evaluation "
        "accuracy is 1; close to 1 single examples decide it.",
    ),
}


def write_page(
    tables: Tables, facts: Provenance, figures: Path, path: Path, zoo: ZooTables | None = None
) -> None:
    """Write the page with its figures inside it; everything shown is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    cells = tables.cells
    names = [*(_CAPTIONS if len(cells) else ()), *(zoo_captions(zoo) if zoo else ())]
    captions = _CAPTIONS | ZOO_CAPTIONS
    html = template.render(
        figures=[
            {"title": title, "caption": caption, "svg": _inline(figures, name, title)}
            for name, (title, caption) in ((name, captions[name]) for name in names)
        ],
        sentences=[sentence(str(task), rows) for task, rows in cells.groupby("task", sort=False)],
        claims=[_claim(row) for _, row in _worth_showing(tables.trends).iterrows()],
        cells=[_shown(row) for _, row in cells.iterrows()],
        deviations=_deviations(cells),
        zoo=[] if zoo is None else zoo_rows(zoo),
        table1=[] if zoo is None else table1_rows(zoo),
        uncomputable=[_shown(row) for _, row in cells[cells["d90"].isna()].iterrows()],
        facts=facts,
        hours=None if facts.seconds is None else facts.seconds / 3600,
        cost={
            key: f"{cells[key].sum():.3g}"
            for key in ("baseline_tokens", "baseline_flop", "said_tokens", "said_flop")
        },
        probes=len(tables.probes),
        unit=_unit(cells),
        sizes={
            "parameters": _range(cells["parameters"]),
            "least": _range(cells["d_min"]),
            "most": _range(cells["d_max"]),
        }
        if len(cells)
        else {},
    )
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def sentence(task: str, rows: pd.DataFrame) -> str:
    """What happened to a task along pretraining, in one sentence computed from its cells.

    A d₉₀ above the largest d or below the smallest is told as that bound, and compared as such.
    """
    ordered = rows.sort_values("step")
    known = ordered[ordered["d90"].notna() | (ordered["status"] == "not_reached")]
    missing = len(ordered) - len(known)
    if known.empty:
        return f"{task}: d₉₀ could not be computed at any checkpoint."
    left_out = f"; not computable at {missing} of {len(ordered)} checkpoints" if missing else ""
    if len(known) == 1:
        only = known.iloc[0]
        return f"{task}: d₉₀ is {d90_shown(only)} at {_unit(known)} {only['step']}{left_out}."
    return f"{task}: d₉₀ {_movement(known)}{left_out}."


def _movement(known: pd.DataFrame) -> str:
    """From the first to the last of these cells, and whether all between agree."""
    first, last, unit = known.iloc[0], known.iloc[-1], _unit(known)
    values = known["d90"].astype(float).fillna(math.inf).tolist()
    if len(set(values)) == 1:
        return f"is {d90_shown(first)} from {unit} {first['step']} to {last['step']}"
    if values[0] == values[-1]:
        return (
            f"is {d90_shown(first)} both at {unit} {first['step']} and at {last['step']}, but not "
            "between them"
        )
    falls = values[-1] < values[0]
    steady = all((one >= other) if falls else (one <= other) for one, other in pairwise(values))
    verb = ("falls" if falls else "rises") + ("" if steady else ", not steadily,")
    return (
        f"{verb} from {d90_shown(first)} at {unit} {first['step']} to {d90_shown(last)} at "
        f"{last['step']}"
    )


def _unit(cells: pd.DataFrame) -> str:
    """What one of the trajectory's steps is: an update, an epoch, a token."""
    return str(next(iter(cells["unit"]), "updates")).removesuffix("s")


def _range(numbers: pd.Series) -> str:
    low, high = f"{numbers.min():,}", f"{numbers.max():,}"
    return low if low == high else f"{low}–{high}"


def _worth_showing(trends: pd.DataFrame) -> pd.DataFrame:
    """Every claim pooled, and the fall along pretraining for each task as well."""
    return trends[(trends["scope"] == POOLED) | (trends["claim"] == "falls")]


def _claim(row: pd.Series) -> dict[str, Any]:
    claim = CLAIMS[row["claim"]]
    pooled = row["scope"] == POOLED
    return {
        "text": claim.text if pooled else row["scope"],
        "pooled": pooled,
        "tau": _interval(row, "tau"),
        "rho": _interval(row, "rho"),
        "p": "–" if pd.isna(row["p"]) else f"{row['p']:.2g} (≥ {row['p_least']:.2g})",
        "sample": f"{row['units']} {claim.over}s",
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


def _shown(row: pd.Series) -> dict[str, Any]:
    shown = {"d90": d90_shown(row), "status": row["status"], "reason": row["reason"]}
    shown |= {key: row[key] for key in ("checkpoint", "step", "task", "probes")}
    shown["interval"] = interval_shown(row)
    metrics = ("target", "full_metric", "majority", "acc_train", "relative_gap", "f1_eval")
    for key in metrics:
        shown[key] = metric_shown(row[key])
    return shown


def _deviations(cells: pd.DataFrame) -> list[str]:
    """Every deviation with the tasks that it holds for."""
    found = cells[cells["deviations"] != ""].groupby("deviations", sort=False)["task"]
    return [f"{text} ({', '.join(dict.fromkeys(tasks))})" for text, tasks in found]


def _inline(figures: Path, name: str, title: str) -> Any:
    """The SVG without its XML prologue, named for screen readers, its ids not shared by figures."""
    from markupsafe import Markup, escape

    text = (figures / f"{name}.svg").read_text(encoding="utf-8")
    body = text[text.index("<svg") :]
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    return Markup(body.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1))
