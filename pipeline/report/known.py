"""What is known of the cells' d₉₀, as numbers to compare and to draw (method §2)."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pandas as pd

# Where a cell's d₉₀ lies: inside the grid or beyond one of its ends; ``open`` where no training
# reached, and all that is claimed is the interval's lower end.
Place = Literal["inside", "below", "above", "open"]
PLACES: tuple[Place, ...] = ("inside", "below", "above", "open")


def place(cell: pd.Series) -> Place | None:
    """Where a cell's d₉₀ lies; None where it has none."""
    found: dict[str, Place] = {"ok": "inside", "below_grid": "below"}
    if cell["status"] == "not_reached":
        return "above" if cell["d90_above"] else "open"
    return found.get(cell["status"])


def placed(cells: pd.DataFrame, *places: Place) -> pd.DataFrame:
    """The cells whose d₉₀ lies in one of these places."""
    # A list that is empty would stand for no columns.
    return cells[np.array([place(row) in places for _, row in cells.iterrows()], dtype=bool)]


def located(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that have a d₉₀, also where it is only known to lie beyond the grid."""
    return placed(cells, "inside", "below", "above")


def estimated(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with an estimate, with what is drawn of them as plain numbers."""
    return cells.dropna(subset=["d90"]).astype({"d90": float})


def ranked(cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Between which numbers each cell's d₉₀ counts when cells are ranked; NaN without a d₉₀.

    Both are the estimate inside the grid; below it they are 0 and d_min, above it d_max and ∞.
    Where no training reached, d₉₀ may be anything from the interval's lower end on.
    """
    bounds = [_bounds(row) for _, row in cells.iterrows()]
    low, high = (pd.Series([pair[end] for pair in bounds], cells.index, float) for end in (0, 1))
    return low, high


def _bounds(cell: pd.Series) -> tuple[float, float]:
    where = place(cell)
    if where is None:
        return math.nan, math.nan
    if where == "inside":
        return float(cell["d90"]), float(cell["d90"])
    if where == "below":
        return 0.0, float(cell["d_min"])
    least = cell["d_max"] if where == "above" else cell["d90_low"]
    return 0.0 if pd.isna(least) else float(least), math.inf


def drawn_at(cell: pd.Series) -> float:
    """Where a figure puts a cell's d₉₀: beyond the grid at that end, else where it is bounded."""
    low, high = _bounds(cell)
    return max(low, float(cell["d_min"])) if math.isinf(high) else high


def extent(cell: pd.Series) -> tuple[float, float]:
    """The 95 % interval of a cell that has a d₉₀; an end beyond the grid is 0 or infinite."""
    low, high = cell["d90_low"], cell["d90_high"]
    return 0.0 if pd.isna(low) else float(low), math.inf if pd.isna(high) else float(high)
