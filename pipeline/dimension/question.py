"""What a search is asked, and what it may know beforehand from a neighbouring cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.dimension.status import Status


@dataclass(frozen=True)
class Near:
    """A neighbour's answer: its d₉₀ (None: above its grid) and the learning rate that reached."""

    d90: int | None
    learning_rate: float | None

    @staticmethod
    def of(result: Mapping[str, Any] | None) -> Near | None:
        """What the neighbour's result tells; None where it has no d₉₀ and no bound either."""
        if result is None or result["status"] not in (Status.OK, Status.NOT_REACHED):
            return None
        return Near(result["d90"], result["learning_rate"])


def found_near(result: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a search's result that the next checkpoint's search starts from."""
    return {key: result[key] for key in ("checkpoint", "status", "d90", "learning_rate")}


@dataclass(frozen=True)
class Question:
    """Find the smallest d of ``grid`` whose training reaches ``target``.

    Attributes:
        grid: the values of d, increasing.
        target: the accuracy to reach.
        learning_rates: those that may be tried.
        seeds: how many seeds decide; more than half of them must reach.
        epochs: evaluations of a whole training.
        rows: examples of the evaluation set.
        majority: accuracy of the majority class on them.
        near: a neighbour's answer to start from.
        rate_slope: the power of d that the best learning rate follows (docs/normalisation.md).
    """

    grid: tuple[int, ...]
    target: float
    learning_rates: tuple[float, ...]
    seeds: int = 1
    epochs: int = 1
    rows: int = 1
    majority: float = 0.0
    near: Near | None = None
    rate_slope: float = 0.0

    def __post_init__(self) -> None:
        assert list(self.grid) == sorted(set(self.grid)), "the grid must increase"

    def error(self) -> float:
        """Binomial standard error of an accuracy at the target."""
        return self._error(self.target)

    def idle(self) -> float:
        """The accuracy up to which a training may still be at the majority class.

        Three standard errors: the best of a training's many epochs passes two by chance.
        """
        return self.majority + 3 * self._error(self.majority)

    def _error(self, accuracy: float) -> float:
        share = min(max(accuracy, 0.0), 1.0)
        return math.sqrt(share * (1 - share) / self.rows)
