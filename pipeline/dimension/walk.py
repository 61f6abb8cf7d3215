"""Which training comes next: the paper's halving with what is known, then what tells most.

The halving holds to the trainings of the first seed, so that further ones, which narrow the
interval, never change the paper's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.dimension.posterior import Posterior
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.search import bisect

# A d or a learning rate is taken for granted where the posterior is so sure.
_SURE = 0.8
# No further training is worth it that is expected to tell less than so many nats of d₉₀.
_WORTH = 0.03
# Whole trainings that one takes which reaches, and one which misses: both end early.
_REACHING, _MISSING = 0.35, 0.6
# Of the d that are possible no more than so many are compared.
_COMPARED = 12


@dataclass(frozen=True)
class Walk:
    """One look at the grid: what was trained, and what the posterior says of the rest."""

    question: Question
    records: Mapping[Probe, Record]
    known: Posterior

    def halve(self) -> Probe | tuple[int, int]:
        """The next probe of the paper's binary search, or where it ended: both ends trained."""
        grid = self.question.grid
        bracket = bisect(lambda index: self._reached(grid[index], doubt=0.5), -1, len(grid))
        if isinstance(bracket, Probe):
            return bracket
        low = bracket[0]
        for end in bracket:
            if 0 <= end < len(grid) and not self._tried(grid[end]):
                return Probe(grid[end], 0, self._rate(grid[end]))
        # Nothing is said to lie beyond the grid while a learning rate is left to try at its end.
        doubt = 0.0 if low == len(grid) - 1 else 1 - _SURE
        last = self._reached(grid[low], doubt) if low >= 0 else False
        return last if isinstance(last, Probe) else bracket

    def most_telling(self) -> Probe | None:
        """The probe that is expected to tell most of θ per token; None where none tells much."""
        low, high = 10 ** self.known.quantiles((0.01, 0.99))
        grid = self.question.grid
        possible = [d for d in grid if low <= d <= high] or [min(grid, key=lambda d: abs(d - low))]
        compared = possible[:: max(len(possible) // _COMPARED, 1)]
        worth, d = max((self._worth(d), d) for d in compared)
        repeats = sum(probe.d == d and probe.seed > 0 for probe in self.records)
        return Probe(d, 1 + repeats, self._rate(d)) if worth > _WORTH else None

    def _reached(self, d: int, doubt: float) -> bool | Probe:
        """Whether d reaches, as it was trained or as is taken for granted; else what to train.

        What missed with one learning rate misses, unless another one reaches with more probability
        than ``doubt``.
        """
        tried = self._tried(d)
        if any(record.reached(self.question.target) for record in tried.values()):
            return True
        left = [rate for rate in self.question.rates.at(d) if rate not in tried]
        chance, rate = max(((self._chance(d, rate), rate) for rate in left), default=(0.0, 0.0))
        if chance <= (doubt if tried else 1 - _SURE):
            return False
        return True if chance >= _SURE and not tried else Probe(d, 0, rate)

    def _tried(self, d: int) -> dict[float, Record]:
        """The first seed's trainings at d by learning rate."""
        records = self.records.items()
        return {one.learning_rate: record for one, record in records if (one.d, one.seed) == (d, 0)}

    def _rate(self, d: int) -> float:
        """The learning rate with which d is likeliest to reach."""
        return max(self.question.rates.at(d), key=lambda rate: self._chance(d, rate))

    def _chance(self, d: int, rate: float) -> float:
        return self.known.reaches(d, self.question.rates.decades(d, rate))

    def _worth(self, d: int) -> float:
        """Nats that a training is expected to tell of θ, per whole training that it costs."""
        nats, reaches = self.known.told(d, self.question.rates.decades(d, self._rate(d)))
        return nats / (reaches * _REACHING + (1 - reaches) * _MISSING)
