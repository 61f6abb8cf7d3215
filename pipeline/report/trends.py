"""The paper's claims about d₉₀ (method §5) as rank correlations over the table of cells.

One more claim is ours, about certificates (method §7), where there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from pipeline.common.seeds import numpy_generator
from pipeline.report.columns import Columns, column_types
from pipeline.report.known import ranked
from pipeline.report.rank_correlation import Association, Stratum, associate

# No task or checkpoint can be called so.
POOLED = "(all)"
# One-sided, so that it belongs to the 95 % intervals.
LEVEL = 0.025


@dataclass(frozen=True)
class Claim:
    """A claim: what d₉₀, or another column, is ranked against, among which cells, with which sign.

    Attributes:
        text: the claim in words, ``{metric}`` standing for the compared cells' metric.
        x: the column that d₉₀ is compared with, named as in `_with_x`.
        within: cells with the same value here are compared with each other.
        over: what distinguishes them, and is the sample.
        expected: the sign that the claim gives the correlation.
        ranked: the column that is ranked; cells without it are left out, and without any cell that
            has it the claim is not made.
    """

    text: str
    x: str
    within: Literal["task", "model"]
    over: Literal["task", "model"]
    expected: Literal[-1, 1]
    ranked: Literal["d90", "bound"] = "d90"


CLAIMS = {
    "falls": Claim("d₉₀ falls along pretraining", "step", "task", "model", -1),
    "easier_tasks": Claim(
        "tasks with higher {metric} of full fine-tuning have lower d₉₀", "full_metric", "model",
        "task", -1,
    ),
    "easier_above_chance": Claim(
        "tasks with higher {metric} of full fine-tuning, counted from chance, have lower d₉₀",
        "above_chance", "model", "task", -1,
    ),
    "accuracy": Claim(
        "checkpoints with lower d₉₀ have higher {metric}", "full_metric", "task", "model", -1
    ),
    "gap": Claim(
        "checkpoints with lower d₉₀ have a smaller relative gap", "relative_gap", "task", "model", 1
    ),
    "tightens": Claim(
        "the certificate’s bound falls along pretraining", "step", "task", "model", -1, "bound"
    ),
}  # fmt: skip

TREND_COLUMNS: Columns = {
    "claim": "object", "scope": "object", "x": "object", "expected": "Int64",
    **column_types(Association), "left_out": "Int64", "verdict": "object",
}  # fmt: skip


def trends(cells: pd.DataFrame) -> pd.DataFrame:
    """One row a claim and scope, a scope being a task or checkpoint alone, or all pooled.

    A cell whose d₉₀ is only bounded counts (`pipeline.report.rank_correlation`); one without a
    d₉₀ or without the number that it is compared with is left out, and counted as ``left_out``.
    So is, of claims about tasks, one of a task with another metric than `compared_metric`.
    """
    known = _with_x(cells)
    made = {name: claim for name, claim in CLAIMS.items() if claim.ranked in made_of(cells)}
    rows = [row for name, claim in made.items() for row in _rows(name, claim, known)]
    frame = pd.DataFrame(rows, columns=list(TREND_COLUMNS))
    return frame.astype(TREND_COLUMNS)


def made_of(cells: pd.DataFrame) -> set[str]:
    """The columns that claims rank in these cells: of a bound there may be none."""
    bounds = "bound" in cells and bool(cells["bound"].notna().any())
    return {"d90", "bound"} if bounds else {"d90"}


def compared_metric(cells: pd.DataFrame) -> str:
    """The metric by which tasks are compared: that of most tasks, of several the first by name.

    An accuracy of 0.6 and a correlation of 0.6 do not say which of two tasks is the easier one.
    """
    metrics = cells.drop_duplicates("task")["metric"]
    counts = metrics.value_counts().sort_index()
    return str(counts.idxmax()) if len(counts) else ""


def verdict(association: Association) -> str:
    """The claim by the exact test: supported, contradicted, or undecided."""
    if association.tau is None or association.p is None or association.p_opposite is None:
        return "undecided"
    if association.p <= LEVEL:
        return "supported"
    return "contradicted" if association.p_opposite <= LEVEL else "undecided"


def _with_x(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with the numbers that claims compare, and d₉₀ as ``low`` and ``high``."""
    chance = cells["chance"].astype(float)
    low, high = ranked(cells)
    return cells.assign(
        above_chance=(cells["full_metric"].astype(float) - chance) / (1 - chance),
        low=low,
        high=high,
    )


def _rows(name: str, claim: Claim, cells: pd.DataFrame) -> Iterator[dict[str, Any]]:
    if claim.ranked != "d90":
        values = cells[claim.ranked].astype(float)
        cells = cells.assign(low=values, high=values)
    usable = cells.dropna(subset=["low", "high", claim.x])
    if claim.over == "task":
        usable = usable[usable["metric"] == compared_metric(cells)]
    left_out = cells[claim.within][~cells.index.isin(usable.index)]
    number = {unit: place for place, unit in enumerate(dict.fromkeys(cells[claim.over]))}
    strata: dict[str, list[Stratum]] = {POOLED: []}
    for scope in dict.fromkeys(cells[claim.within]):
        rows = usable[usable[claim.within] == scope]
        rows = rows.assign(unit=rows[claim.over].map(number)).sort_values("unit")
        columns = [rows[key].to_numpy(dtype=float) for key in (claim.x, "low", "high")]
        stratum = Stratum(rows["unit"].to_numpy(dtype=int), *columns)
        strata[POOLED].append(stratum)
        strata[str(scope)] = [stratum]
    for scope, those in strata.items():
        found = associate(those, claim.expected, numpy_generator(0, "trend", name, scope))
        yield {
            "claim": name, "scope": scope, "x": claim.x, "expected": claim.expected,
            **asdict(found), "verdict": verdict(found),
            "left_out": len(left_out) if scope == POOLED else int((left_out == scope).sum()),
        }  # fmt: skip
