"""The estimate of d₉₀ that is reported: the posterior's median and its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pipeline.common.status import Status
from pipeline.dimension.belief import TAILS, knowledge
from pipeline.dimension.evidence import Evidence, told
from pipeline.dimension.habits import Habits
from pipeline.dimension.noise import Noise
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record

# Fewer dimensions did better by so many standard errors: that contradicts the model.
_CLEAR = 3.0
# Trainings whose learning rates lie farther apart, in decades, are not compared.
_SAME_RATE = 0.3


@dataclass(frozen=True)
class Estimate:
    """What trainings say of d₉₀ (method §2).

    Attributes:
        status: where the median lies: inside the grid, below it or above it; without a training
            that reached the target, nothing is claimed to lie inside or below.
        reason: that in words where it lies outside.
        d90: the median, ``low`` and ``high`` the ends of the 95 % interval, which is open above
            where no training reached the target.
        above: whether the median lies above the grid. A cell that is not reached without that is
            one in which no training reached: d₉₀ is then only known to be at least ``low``.
        monotone: whether no d did clearly worse than a smaller one.
        habits: what the cell's trainings tell of others: slope and jitter.
    """

    status: Status
    reason: str
    d90: float
    low: float
    high: float
    monotone: bool
    habits: Habits
    above: bool = False

    def within(self, grid: Sequence[int]) -> tuple[int | None, int | None, int | None]:
        """Low end, d₉₀ and high end as whole d; None beyond the grid, and d₉₀ but for status OK.

        An end that lies beyond the other end of the grid, where everything possible does, is held
        at that end of the grid.
        """
        low, d90, high = (
            round(value) if grid[0] <= value <= grid[-1] else None
            for value in (min(self.low, grid[-1]), self.d90, max(self.high, grid[0]))
        )
        return low, d90 if self.status is Status.OK else None, high


def estimate_d90(question: Question, records: Iterable[Record], noise: Noise) -> Estimate:
    """The estimate from at least one training."""
    known = list(records)
    posterior = knowledge(question, known, noise)
    low, middle, high = (float(10**at) for at in posterior.quantiles((TAILS[0], 0.5, TAILS[1])))
    status, reason = _status(question, known, middle)
    if not any(record.reached(question.target) for record in known):
        high = math.inf
    seen = [told(record, question) for record in known]
    monotone = not any(_contradicts(*pair, noise.own) for pair in combinations(seen, 2))
    above = status is Status.NOT_REACHED and middle > question.grid[-1]
    return Estimate(status, reason, middle, low, high, monotone, posterior.habits(), above)


def _status(question: Question, records: list[Record], middle: float) -> tuple[Status, str]:
    grid = question.grid
    if all(record.failed(question.target) for record in records):
        return Status.DIVERGED, "every training diverged, with every learning rate that was tried"
    if middle > grid[-1]:
        best = max((one.metric for one in records if one.probe.d == grid[-1]), default=None)
        found = "" if best is None else f", which reaches {best:.4f} of {question.target:.4f}"
        return Status.NOT_REACHED, f"d₉₀ lies above {grid[-1]:,}, the largest d of the grid{found}"
    if not any(record.reached(question.target) for record in records):
        best = max(record.metric for record in records)
        return Status.NOT_REACHED, f"no training reached {question.target:.4f}; the best {best:.4f}"
    if middle < grid[0]:
        return Status.BELOW_GRID, f"d₉₀ lies below {grid[0]:,}, the smallest d of the grid"
    return Status.OK, ""


def _contradicts(one: Evidence, other: Evidence, own: float) -> bool:
    """Whether the smaller d did clearly better, with about the same learning rate."""
    small, large = sorted((one, other), key=lambda seen: seen.d)
    if small.d == large.d or abs(small.rate - large.rate) > _SAME_RATE or large.at_least:
        return False
    error = math.sqrt(2 * own**2 + small.sd**2 + large.sd**2)
    return small.mean - large.mean > _CLEAR * error
