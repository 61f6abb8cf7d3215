"""A row's numbers as readers see them."""

from __future__ import annotations

import pandas as pd


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
