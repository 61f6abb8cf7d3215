"""A row's numbers, and a table's metric, as readers see them."""

from __future__ import annotations

import pandas as pd

from pipeline.report.known import place
from pipeline.report.parts import Parts, plain, whole

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
    where = place(row)
    if where == "above":
        return ("> ", *whole(row, "d_max"))
    return ("< ", *whole(row, "d_min")) if where == "below" else whole(row, "d90")


def d90_shown(row: pd.Series) -> str:
    """The same as plain text."""
    return plain(d90_parts(row))


def interval_parts(row: pd.Series) -> Parts:
    """The 95 % interval, its ends beyond the grid as such; the estimate lies in it."""
    where = place(row)
    if where is None:
        return ("–",)
    low, high = row["d90_low"], row["d90_high"]
    inner = {"below": (high, row["d_min"]), "above": (low, row["d_max"])}
    end, edge = inner.get(where, (None, None))
    if not pd.isna(end) and end == edge:
        return d90_parts(row)
    lower = ("< ", *whole(row, "d_min")) if pd.isna(low) else whole(row, "d90_low")
    upper = ("> ", *whole(row, "d_max")) if pd.isna(high) else whole(row, "d90_high")
    return (*lower, " – ", *upper)


def interval_shown(row: pd.Series) -> str:
    """The same as plain text."""
    return plain(interval_parts(row))


def paper_parts(row: pd.Series) -> Parts:
    """The paper's number, a bound where an end of the grid decided it, or a dash."""
    if pd.isna(row["d90_paper"]):
        return ("–",) if pd.isna(row["lower"]) else ("> ", *whole(row, "lower"))
    return ("≤ " if pd.isna(row["lower"]) else "", *whole(row, "d90_paper"))
