"""Texts whose numbers know which row and column of a table they are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Number:
    """A table's number in a text.

    Attributes:
        row: the label of its row.
        column: its column.
        text: how it is shown.
    """

    row: Any
    column: str
    text: str

    def __str__(self) -> str:
        return self.text


# A text in pieces, of which some are a table's numbers.
Parts = tuple[str | Number, ...]


def plain(parts: Parts) -> str:
    """The text alone."""
    return "".join(map(str, parts))


def whole(row: pd.Series, column: str) -> Parts:
    """A whole number with its thousands set apart; a dash for none."""
    value = row[column]
    return ("–",) if pd.isna(value) else (Number(row.name, column, f"{value:,}"),)


def metric(row: pd.Series, column: str) -> Parts:
    """A metric or gap with three decimals, its minus sign as such; a dash for none."""
    return rounded(row, column, ".3f")


def rounded(row: pd.Series, column: str, how: str) -> Parts:
    """A number in Python's format ``how``, its minus sign as such; a dash for none."""
    value = row[column]
    if pd.isna(value):
        return ("–",)
    return (Number(row.name, column, f"{value:{how}}".replace("-", "−")),)
