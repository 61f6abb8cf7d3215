"""A row's numbers, and a table's metric, as readers see them."""

from __future__ import annotations

import pandas as pd

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
    """d₉₀ as known: a number, a bound at an end of the search, or a dash."""
    if row["status"] == "not_reached":
        return f"> {row['d_max']:,}"
    if pd.isna(row["d90"]):
        return "–"
    return f"≤ {row['d90']:,}" if pd.isna(row["lower"]) else f"{row['d90']:,}"


def interval_shown(row: pd.Series) -> str:
    """The 95 % interval as far as it lies within the search."""
    low, high = row["d90_low"], row["d90_high"]
    if pd.isna(low) and pd.isna(high):
        return "–"
    if pd.isna(high):
        return f"≥ {low:,}"
    return f"≤ {high:,}" if pd.isna(low) else f"{low:,} – {high:,}"


def metric_shown(value: float) -> str:
    """A metric or gap with three decimals, its minus sign as such; a dash for none."""
    return "–" if pd.isna(value) else f"{value:.3f}".replace("-", "−")


def whole_shown(value: int | None) -> str:
    """A whole number with its thousands set apart; a dash for none."""
    return "–" if pd.isna(value) else f"{value:,}"


def interval_ends(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The 95 % intervals as numbers to draw; a bound beyond the search is the search's end."""
    low = rows["d90_low"].astype(float).fillna(rows["d_min"].astype(float))
    high = rows["d90_high"].astype(float).fillna(rows["d_max"].astype(float))
    return low, high
