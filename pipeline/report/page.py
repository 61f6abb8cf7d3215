"""The report as one self-contained page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.artifacts import atomic_file
from pipeline.report.provenance import Provenance
from pipeline.report.shown import d90_shown, interval_shown
from pipeline.report.tables import Tables
from pipeline.report.zoo_page import ZOO_CAPTIONS, table1_rows, zoo_captions, zoo_rows
from pipeline.report.zoo_tables import ZooTables

_TEMPLATE = Path(__file__).with_name("page.html")
_CAPTIONS = {
    "trajectory": (
        "Trajectory",
        "Smallest subspace dimension that reaches the target, over pretraining. An arrow "
        "upwards stands where even the largest dimension tried fell short, one downwards where "
        "the smallest already reached. Checkpoints where no d₉₀ is meaningful are left out and "
        "listed below.",
    ),
    "generalization": (
        "Generalization",
        "Evaluation accuracy of full fine-tuning over d₉₀, a mark a checkpoint, joined in the "
        "order of pretraining. Cells without a d₉₀ are left out.",
    ),
    "relative_gap": (
        "Relative generalization gap",
        "(training − evaluation accuracy) / (1 − evaluation accuracy) of full fine-tuning at its "
        "best epoch, over d₉₀, marks as above; undefined, and left out, where the evaluation "
        "accuracy is 1.",
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
        unit=str(next(iter(cells["unit"]), "updates")).removesuffix("s"),
    )
    with atomic_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def sentence(task: str, rows: pd.DataFrame) -> str:
    """What happened to a task along pretraining, in one sentence computed from its cells."""
    ordered = rows.sort_values("step")
    computed = ordered.dropna(subset=["d90"])
    if computed.empty:
        above = (ordered["status"] == "not_reached").sum()
        known = f" (at {above} of {len(ordered)} it is above the largest d tried)" if above else ""
        return f"{task}: d₉₀ could not be computed at any checkpoint{known}."
    first, last = computed.iloc[0], computed.iloc[-1]
    unit = str(first["unit"]).removesuffix("s")
    start = "" if first["step"] == ordered["step"].min() else ", where it first becomes computable,"
    if len(computed) == 1:
        at = f"{unit} {first['step']}"
        return f"{task}: d₉₀ is {d90_shown(first)} at {at}, and nowhere else computable."
    if last["d90"] == first["d90"]:
        return (
            f"{task}: d₉₀ is {d90_shown(first)} both at {unit} {first['step']}{start} and at "
            f"{last['step']}."
        )
    verb = "falls" if last["d90"] < first["d90"] else "rises"
    return (
        f"{task}: d₉₀ {verb} from {d90_shown(first)} at {unit} {first['step']}{start} to "
        f"{d90_shown(last)} at {last['step']}."
    )


def _shown(row: pd.Series) -> dict[str, Any]:
    shown = {"d90": d90_shown(row), "status": row["status"], "reason": row["reason"]}
    shown |= {key: row[key] for key in ("checkpoint", "step", "task", "probes")}
    shown["interval"] = interval_shown(row)
    metrics = ("target", "full_metric", "majority", "acc_train", "relative_gap", "f1_eval")
    for key in metrics:
        shown[key] = "–" if pd.isna(row[key]) else f"{row[key]:.3f}"
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
