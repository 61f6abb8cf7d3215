"""Which learning rate to try first at a d: the one that was best elsewhere, carried over d.

Under Adam the best learning rate falls with d as a power that depends on the normalisation of the
projection (docs/normalisation.md); `Question.rate_slope` names it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record


@dataclass(frozen=True)
class CarriedRate:
    """What the probes seen so far, and a neighbouring cell, tell of learning rates.

    Attributes:
        question: what the search is asked.
        seen: the probes so far, in their order; the search goes on adding to it.
    """

    question: Question
    seen: Mapping[Probe, Record]

    def informed(self) -> bool:
        """Whether anything is known of learning rates."""
        learned = any(self._score(probe) > self.question.idle() for probe in self.seen)
        return learned or self._near() is not None

    def at(self, d: int) -> float:
        """The learning rate that should be best at d, from where most is known of rates.

        That is the nearest d where several were compared, else the neighbour's d₉₀, else the first
        d that reached; before all of them, the middle rate in the middle of the grid.
        """
        compared = [
            at for at in dict.fromkeys(probe.d for probe in self.seen) if self._compares(at)
        ]
        if compared:
            at = min(compared, key=lambda at: max(at, d) / min(at, d))
            return self._scaled(self._best(at).learning_rate, at, d)
        if near := self._near():
            return self._scaled(*near, d)
        for probe, record in self.seen.items():
            if record.reached(self.question.target):
                return self._scaled(probe.learning_rate, probe.d, d)
        rates, grid = sorted(self.question.learning_rates), self.question.grid
        return self._scaled(rates[(len(rates) - 1) // 2], grid[(len(grid) - 1) // 2], d)

    def _scaled(self, rate: float, at: int, d: int) -> float:
        """The learning rate of the list next to what ``rate``, good at ``at``, becomes at d."""
        wanted = math.log(rate) + self.question.rate_slope * math.log(d / at)
        return min(self.question.learning_rates, key=lambda one: abs(math.log(one) - wanted))

    def _near(self) -> tuple[float, int] | None:
        """The neighbour's learning rate, if it is one of ours, and the d where it was best."""
        near = self.question.near
        if near is None or near.d90 is None:
            return None
        if near.learning_rate not in self.question.learning_rates:
            return None
        return near.learning_rate, near.d90

    def _compares(self, d: int) -> bool:
        """Whether several learning rates were tried at d and something was learned."""
        rates = {probe.learning_rate for probe in self.seen if probe.d == d}
        return len(rates) > 1 and self._score(self._best(d)) > self.question.idle()

    def _best(self, d: int) -> Probe:
        """The best of the probes seen at d."""
        there = [probe for probe in self.seen if probe.d == d]
        return max(there, key=self._score)

    def _score(self, probe: Probe) -> float:
        return self.seen[probe].score(self.question.target)
