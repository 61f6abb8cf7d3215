"""The outcomes that a cell can have, and why its search ended (method §2)."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A choice of words that tables and files hold as they are."""

    def __str__(self) -> str:
        return str(self.value)


class Status(Word):
    """The outcome of a cell: a recorded result, never a crash.

    ``ok``, ``below_grid`` and ``not_reached`` say where d₉₀ lies: inside the grid, below its
    smallest d, above its largest. With any other there is no d₉₀.
    """

    OK = "ok"
    BASELINE_AT_CHANCE = "baseline_at_chance"
    TARGET_BELOW_CHANCE = "target_below_chance"
    BELOW_GRID = "below_grid"
    NOT_REACHED = "not_reached"
    DIVERGED = "diverged"


class SearchEnd(Word):
    """Why a search ended, each with a sentence for readers."""

    PRECISION = "precision"
    BUDGET = "budget"
    SETTLED = "settled"
    BEYOND = "beyond"

    @property
    def sentence(self) -> str:
        """What that means, to be said after the name of what was searched."""
        return _ENDS[self]


_ENDS = {
    SearchEnd.PRECISION: "d₉₀ is known as precisely as was asked for",
    SearchEnd.BUDGET: "the budget was spent before d₉₀ was known as precisely as was asked for",
    SearchEnd.SETTLED: "no further training was planned or expected to tell more",
    SearchEnd.BEYOND: "what remained possible for d₉₀ lies beyond the grid",
}
