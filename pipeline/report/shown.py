"""A row's numbers, and a table's metric, as readers see them."""

from __future__ import annotations

import pandas as pd

from pipeline.report.known import place

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


def d90_shown(row: pd.Series) -> str:
    """The estimate of d₉₀, the end of the grid beyond which it lies, or a dash."""
    beyond = {"above": f"> {row['d_max']:,}", "below": f"< {row['d_min']:,}"}
    return beyond.get(place(row) or "", whole_shown(row["d90"]))


def interval_shown(row: pd.Series) -> str:
    """The 95 % interval, its ends beyond the grid as such; the estimate lies in it."""
    where = place(row)
    if where is None:
        return "–"
    low, high = row["d90_low"], row["d90_high"]
    inner = {"below": (high, row["d_min"]), "above": (low, row["d_max"])}
    end, edge = inner.get(where, (None, None))
    if not pd.isna(end) and end == edge:
        return d90_shown(row)
    lower = f"< {row['d_min']:,}" if pd.isna(low) else f"{low:,}"
    upper = f"> {row['d_max']:,}" if pd.isna(high) else f"{high:,}"
    return f"{lower} – {upper}"


def paper_shown(row: pd.Series) -> str:
    """The paper's number, a bound where an end of the grid decided it, or a dash."""
    if pd.isna(row["d90_paper"]):
        return "–" if pd.isna(row["lower"]) else f"> {row['lower']:,}"
    return f"{'≤ ' if pd.isna(row['lower']) else ''}{row['d90_paper']:,}"


def metric_shown(value: float) -> str:
    """A metric or gap with three decimals, its minus sign as such; a dash for none."""
    return "–" if pd.isna(value) else f"{value:.3f}".replace("-", "−")


def whole_shown(value: int | None) -> str:
    """A whole number with its thousands set apart; a dash for none."""
    return "–" if pd.isna(value) else f"{value:,}"
