"""The report as one self-contained page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.artifacts import atomic_file
from pipeline.report.provenance import Provenance
from pipeline.report.tables import Tables

_TEMPLATE = Path(__file__).with_name("page.html")
_CAPTIONS = {
    "trajectory": (
        "Trajectory",
        "Smallest subspace dimension that reaches the target, over pretraining updates. An arrow "
        "stands where even the largest dimension tried fell short; checkpoints where no d₉₀ is "
        "meaningful are left out and listed below.",
    ),
    "generalization": (
        "Generalization",
        "Evaluation accuracy of full fine-tuning over d₉₀, a mark a checkpoint.",
    ),
    "relative_gap": (
        "Relative generalization gap",
        "(training − evaluation accuracy) / (1 − evaluation accuracy) of full fine-tuning at its "
        "best epoch, over d₉₀; undefined, and left out, where the evaluation accuracy is 1.",
    ),
}


def write_page(tables: Tables, facts: Provenance, figures: Path, path: Path) -> None:
    """Write the page with its figures inside it; everything shown is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    cells = tables.cells
    html = template.render(
        figures=[
            {"name": name, "title": title, "caption": caption, "svg": _inline(figures, name)}
            for name, (title, caption) in _CAPTIONS.items()
        ],
        sentences=[sentence(str(task), rows) for task, rows in cells.groupby("task", sort=False)],
        cells=[_shown(row) for _, row in cells.iterrows()],
        uncomputable=[_shown(row) for _, row in cells[cells["d90"].isna()].iterrows()],
        facts=facts,
        hours=None if facts.seconds is None else facts.seconds / 3600,
        flop={name: f"{value:.3g}" for name, value in tables.summary["flop"].items()},
        probes=len(tables.probes),
    )
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def sentence(task: str, rows: pd.DataFrame) -> str:
    """What happened to a task along pretraining, in one sentence computed from its cells."""
    ordered = rows.sort_values("step")
    computed = ordered.dropna(subset=["d90"])
    if computed.empty:
        return f"{task}: d₉₀ could not be computed at any checkpoint."
    first, last = computed.iloc[0], computed.iloc[-1]
    start = "" if first["step"] == ordered["step"].min() else ", where it first becomes computable,"
    if len(computed) == 1:
        return (
            f"{task}: d₉₀ is {first['d90']} at update {first['step']}, and nowhere else computable."
        )
    if last["d90"] == first["d90"]:
        return (
            f"{task}: d₉₀ is {first['d90']} both at update {first['step']}{start} and at "
            f"{last['step']}."
        )
    verb = "falls" if last["d90"] < first["d90"] else "rises"
    return (
        f"{task}: d₉₀ {verb} from {first['d90']} at update {first['step']}{start} to {last['d90']} "
        f"at {last['step']}."
    )


def _shown(row: pd.Series) -> dict[str, Any]:
    d90 = f"{row['d90']:,}" if not pd.isna(row["d90"]) else "–"
    if row["status"] == "not_reached":
        d90 = f"> {row['d_max']:,}"
    shown = {"d90": d90, "status": row["status"], "reason": row["reason"]}
    shown |= {key: row[key] for key in ("checkpoint", "step", "task", "probes")}
    metrics = ("target", "full_metric", "majority", "acc_train", "relative_gap", "f1_eval")
    for key in metrics:
        shown[key] = "–" if pd.isna(row[key]) else f"{row[key]:.3f}"
    return shown


def _inline(figures: Path, name: str) -> Any:
    """The SVG without its XML prologue, ids made unique so that figures do not share them."""
    from markupsafe import Markup

    text = (figures / f"{name}.svg").read_text(encoding="utf-8")
    body = text[text.index("<svg") :]
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    return Markup(body)
