"""The paper's claims as the page shows them: first what the sample can decide, then verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from pipeline.report.page.traced import Context, Source
from pipeline.report.parts import Parts, rounded, whole
from pipeline.report.shown import metric_of
from pipeline.report.tables import Tables
from pipeline.report.trends import CLAIMS, LEVEL, POOLED, compared_metric

# What a claim's sample consists of.
_UNITS = {"model": "checkpoints", "task": "tasks"}
TOO_SMALL = "sample too small"


def claims(tables: Tables) -> list[Context]:
    """Every claim pooled, and the fall along pretraining for each task as well."""
    source, cells = Source("trends", tables.trends), tables.of("trajectory")
    shown = tables.trends
    shown = shown[(shown["scope"] == POOLED) | (shown["claim"] == "falls")]
    return [_claim(source, row, cells) for _, row in shown.iterrows()] if len(cells) else []


def further(tables: Tables) -> bool:
    """Whether a claim ranks something else than the study's d₉₀."""
    return any(CLAIMS[str(claim)].ranked != "d90" for claim in set(tables.trends["claim"]))


def decidable(tables: Tables) -> list[Any]:
    """What a sample of this size decides at best, a sentence for checkpoints and one for tasks."""
    source, pooled = Source("trends", tables.trends), tables.trends
    pooled = pooled[pooled["scope"] == POOLED]
    if tables.of("trajectory").empty:
        return []
    return [source.html(_at_best(pooled, over)) for over in _UNITS]


def too_small(row: pd.Series) -> bool:
    """Whether not even the clearest outcome could decide a claim with its sample."""
    return bool(pd.isna(row["p_least"])) or float(row["p_least"]) > LEVEL


def few_known(row: pd.Series) -> bool:
    """Whether what makes a sample too small is d₉₀ that are bounds or equal, not its size."""
    return too_small(row) and int(row["units"]) >= _needed()


def _at_best(pooled: pd.DataFrame, over: str) -> Parts:
    """The claims over checkpoints, or over tasks: the least p, and whether it decides."""
    own = [row for _, row in pooled.iterrows() if CLAIMS[row["claim"]].over == over]
    best = min(own, key=lambda row: math.inf if pd.isna(row["p_least"]) else row["p_least"])
    unit, sample = _UNITS[over], whole(best, "units")
    if pd.isna(best["p_least"]):
        return (f"Claims about {unit}: nothing can be compared.",)
    start: Parts = (
        f"Claims over {unit}: with ", *sample, f" {unit}", *_bounded(best),
        " the clearest possible outcome has p = ", *rounded(best, "p_least", ".2g"),
    )  # fmt: skip
    if too_small(best):
        whatever = "" if _bounded(best) else ", whatever it finds"
        could = "more d₉₀ inside the grid" if few_known(best) else f"{_needed()} {unit}"
        none = f", above {LEVEL}: this study can decide none of them{whatever}; {could} could."
        return (*start, none)
    left = [row for row in own if too_small(row)]
    but = (
        " Not all of them: ties and cells without a d₉₀ leave some without a chance."
        if left
        else ""
    )
    return (*start, f", below {LEVEL}: a clear outcome is decided.{but}")


def _bounded(row: pd.Series) -> Parts:
    """That cells with only a bound, and not the sample's size alone, make the least p so large."""
    if not row["censored"] or row["p_least"] * math.factorial(row["units"]) < 1.5:
        return ()
    bounded, cells = whole(row, "censored"), whole(row, "cells")
    return (" and only a bound for d₉₀ in ", *bounded, " of ", *cells, " cells")


def _needed() -> int:
    """The smallest sample whose clearest outcome decides a claim."""
    return next(count for count in range(2, 20) if 1 / math.factorial(count) <= LEVEL)


def _claim(source: Source, row: pd.Series, cells: pd.DataFrame) -> Context:
    claim = CLAIMS[row["claim"]]
    across_tasks = claim.over == "task"
    compared = cells[cells["metric"] == compared_metric(cells)] if across_tasks else cells
    pooled = row["scope"] == POOLED
    verdict = str(row["verdict"])
    return {
        "text": claim.text.format(metric=metric_of(compared)) if pooled else row["scope"],
        "pooled": pooled,
        "verdict": TOO_SMALL if verdict == "undecided" and too_small(row) else verdict,
        **source.row(
            row.name,
            tau=lambda row: _interval(row, "tau"),
            rho=lambda row: _interval(row, "rho"),
            p=_chance,
            sample=lambda row: (*whole(row, "units"), f" {_UNITS[claim.over]}"),
            cells=lambda row: (*whole(row, "cells"), " (", *whole(row, "censored"), ", ",
                               *whole(row, "left_out"), ")"),
        ),
    }  # fmt: skip


def _chance(row: pd.Series) -> Parts:
    if pd.isna(row["p"]):
        return ("–",)
    return (*rounded(row, "p", ".2g"), " (≥ ", *rounded(row, "p_least", ".2g"), ")")


def _interval(row: pd.Series, name: str) -> Parts:
    """A correlation with its interval."""
    if pd.isna(row[f"{name}_low"]):
        return ("–",)
    value = ("?",) if pd.isna(row[name]) else rounded(row, name, ".2f")
    ends = (rounded(row, f"{name}_{end}", ".2f") for end in ("low", "high"))
    return (*value, " [", *next(ends), ", ", *next(ends), "]")


def others_than_compared(cells: pd.DataFrame) -> Iterator[str]:
    """The tasks that claims about tasks leave out, because their metric is another."""
    return iter(dict.fromkeys(cells["task"][cells["metric"] != compared_metric(cells)]))
