"""The paper's claims about d₉₀ (method §5) as rank correlations over the table of cells.

More claims are ours, about what was measured beyond d₉₀ (method §7 and §8), where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from pipeline.common.seeds import numpy_generator
from pipeline.report.columns import Columns, column_types
from pipeline.report.known import ranked
from pipeline.report.rank_correlation import Association, Stratum, associate

Ranked = Literal["d90", "bound", "own", "own_share"]
# Between which numbers each cell's d₉₀, or what else is ranked, lies; NaN where it has none.
Bounds = tuple[pd.Series, pd.Series]
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
        ranked: what is ranked (`measures`); cells without it, or without ``x``, are left out, and
            where no cell has both the claim is not made.
    """

    text: str
    x: str
    within: Literal["task", "model"]
    over: Literal["task", "model"]
    expected: Literal[-1, 1]
    ranked: Ranked = "d90"

    @property
    def beyond(self) -> bool:
        """Whether it needs what only studies that ask for it measure."""
        return self.ranked != "d90" or self.x == "representation"


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
    "own_falls": Claim(
        "d₉₀ in the task’s own directions falls along pretraining", "step", "task", "model", -1,
        "own",
    ),
    "own_gains": Claim(
        "the task’s own directions need ever fewer of the dimensions that random ones need",
        "step", "task", "model", -1, "own_share",
    ),
    "together": Claim(
        "checkpoints with lower d₉₀ have hidden states of fewer dimensions", "representation",
        "task", "model", 1,
    ),
}  # fmt: skip

TREND_COLUMNS: Columns = {
    "claim": "object", "scope": "object", "x": "object", "expected": "Int64",
    **column_types(Association), "left_out": "Int64", "verdict": "object",
}  # fmt: skip


def trends(cells: pd.DataFrame, own: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a claim and scope, a scope being a task or checkpoint alone, or all pooled.

    A cell whose d₉₀ is only bounded counts (`pipeline.report.rank_correlation`); one without a
    d₉₀ or without the number that it is compared with is left out, and counted as ``left_out``.
    So is, of claims about tasks, one of a task with another metric than `compared_metric`.

    Args:
        cells: of the trajectory.
        own: the searches in own and in random directions (`pipeline.report.taskspaces`).
    """
    known, found = _with_x(cells), measures(cells, own)
    made = {name: one for name, one in CLAIMS.items() if _made(one, known, found)}
    rows = [row for name, claim in made.items() for row in _rows(name, claim, known, found)]
    frame = pd.DataFrame(rows, columns=list(TREND_COLUMNS))
    return frame.astype(TREND_COLUMNS)


def measures(cells: pd.DataFrame, own: pd.DataFrame | None = None) -> Mapping[Ranked, Bounds]:
    """What can be ranked of these cells: d₉₀, and what else was measured of any.

    ``bound`` is a certificate's, ``own`` d₉₀ in the task's own directions, ``own_share`` that as a
    share of d₉₀ in random directions on the same rows.
    """
    found: dict[Ranked, Bounds] = {"d90": ranked(cells)}
    if "bound" in cells and cells["bound"].notna().any():
        bounds = cells["bound"].astype(float)
        found["bound"] = (bounds, bounds)
    if own is not None and len(own):
        low, high = _searched(cells, own, "own")
        random_low, random_high = _searched(cells, own, "random")
        # Random directions may need anything from 0 on, or have no end: so may the share.
        share = (low / random_high, high / random_low)
        found |= {"own": (low, high), "own_share": share}
    return found


def _searched(cells: pd.DataFrame, own: pd.DataFrame, directions: str) -> Bounds:
    """d₉₀ of the cells in directions of one kind, in the cells' order."""
    rows = own[own["directions"] == directions].set_index(["model", "task"])
    low, high = ranked(rows)
    at = pd.MultiIndex.from_frame(cells[["model", "task"]])
    found = (pd.Series(one.reindex(at).to_numpy(), cells.index, float) for one in (low, high))
    return next(found), next(found)


def _made(claim: Claim, cells: pd.DataFrame, found: Mapping[Ranked, Bounds]) -> bool:
    """Whether what a claim ranks, and what it compares that with, were measured at all."""
    if not claim.beyond:
        return True
    return claim.ranked in found and claim.x in cells and bool(cells[claim.x].notna().any())


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
    """The cells with the numbers that claims compare."""
    chance = cells["chance"].astype(float)
    return cells.assign(above_chance=(cells["full_metric"].astype(float) - chance) / (1 - chance))


def _rows(
    name: str, claim: Claim, cells: pd.DataFrame, found: Mapping[Ranked, Bounds]
) -> Iterator[dict[str, Any]]:
    low, high = found[claim.ranked]
    cells = cells.assign(low=low, high=high)
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
        told = associate(those, claim.expected, numpy_generator(0, "trend", name, scope))
        yield {
            "claim": name, "scope": scope, "x": claim.x, "expected": claim.expected,
            **asdict(told), "verdict": verdict(told),
            "left_out": len(left_out) if scope == POOLED else int((left_out == scope).sum()),
        }  # fmt: skip
