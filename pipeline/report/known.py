"""What is known of the cells' d₉₀, as numbers to compare and to draw (method §2)."""

from __future__ import annotations

import math

import pandas as pd

# Statuses of cells that have a d₉₀, inside the grid or beyond one of its ends.
LOCATED = ("ok", "below_grid", "not_reached")


def located(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that have a d₉₀, also where it is only known to lie beyond the grid."""
    return cells[cells["status"].isin(LOCATED)]


def estimated(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with an estimate, with what is drawn of them as plain numbers."""
    return cells.dropna(subset=["d90"]).astype({"d90": float})


def ranked(cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Between which numbers each cell's d₉₀ counts when cells are ranked; NaN without a d₉₀.

    Both are the estimate inside the grid; below it they are 0 and d_min, above it d_max and ∞.
    """
    d90 = cells["d90"].astype(float)
    below, above = (cells["status"] == status for status in ("below_grid", "not_reached"))
    low = d90.mask(below, 0.0).mask(above, cells["d_max"].astype(float))
    high = d90.mask(below, cells["d_min"].astype(float)).mask(above, math.inf)
    return low, high


def drawn_at(cells: pd.DataFrame) -> pd.Series:
    """Where a figure puts each cell's d₉₀: beyond the grid, at that end of it."""
    low, high = ranked(cells)
    return low.where(low > 0, high)


def extent(cell: pd.Series) -> tuple[float, float]:
    """The 95 % interval of a cell that has a d₉₀; an end beyond the grid is 0 or infinite."""
    low, high = cell["d90_low"], cell["d90_high"]
    return 0.0 if pd.isna(low) else float(low), math.inf if pd.isna(high) else float(high)
