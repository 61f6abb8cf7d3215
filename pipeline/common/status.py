"""The outcomes that a cell can have."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """The outcome of a cell: a recorded result, never a crash."""

    OK = "ok"
    BASELINE_AT_CHANCE = "baseline_at_chance"
    TARGET_BELOW_CHANCE = "target_below_chance"
    NOT_REACHED = "not_reached"
    DIVERGED = "diverged"

    def __str__(self) -> str:
        return self.value


class SearchEnd(str, Enum):
    """Why a search for d₉₀ ended."""

    PRECISION = "precision"
    BUDGET = "budget"
    SETTLED = "settled"
    BEYOND = "beyond"

    def __str__(self) -> str:
        return self.value
