"""A row's numbers, and a table's metric, as readers see them."""

from __future__ import annotations

import pandas as pd

from pipeline.report.known import LOCATED
from pipeline.report.parts import Parts, whole

_METRICS = {
    "f1": "F1",
    "matthews": "Matthews correlation",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
}


def metric_name(metric: str) -> str:
    """A metric's name in words: ``accuracy``, ``Matthews correlation``."""
    return _METRICS.get(metric, metric)


def metric_of(cells: pd.DataFrame) -> str:
    """``evaluation accuracy``, or ``evaluation metric`` where the cells' metrics differ."""
    metrics = set(cells["metric"])
    return f"evaluation {metric_name(metrics.pop()) if len(metrics) == 1 else 'metric'}"


def d90_parts(row: pd.Series) -> Parts:
    """The estimate of d₉₀, the end of the grid beyond which it lies, or a dash."""
    beyond = {"not_reached": ("> ", "d_max"), "below_grid": ("< ", "d_min")}
    sign, column = beyond.get(row["status"], ("", "d90"))
    return (sign, *whole(row, column))


def interval_parts(row: pd.Series) -> Parts:
    """The 95 % interval, its ends beyond the grid as such."""
    if row["status"] not in LOCATED:
        return ("–",)
    low, high = (pd.isna(row[end]) for end in ("d90_low", "d90_high"))
    if row["status"] == "below_grid" and not high:
        return ("≤ ", *whole(row, "d90_high"))
    if row["status"] == "not_reached" and not low:
        return ("≥ ", *whole(row, "d90_low"))
    lower = ("< ", *whole(row, "d_min")) if low else whole(row, "d90_low")
    upper = ("> ", *whole(row, "d_max")) if high else whole(row, "d90_high")
    return (*lower, " – ", *upper)


def paper_parts(row: pd.Series) -> Parts:
    """The paper's number, a bound where an end of the grid decided it, or a dash."""
    if pd.isna(row["d90_paper"]):
        return ("–",) if pd.isna(row["lower"]) else ("> ", *whole(row, "lower"))
    return ("≤ " if pd.isna(row["lower"]) else "", *whole(row, "d90_paper"))
