"""The walk of the efficient protocol through the grid.

A walk is a generator: it yields the probe that it needs next and is sent its record. It is started
anew for every question (`replay`), so that, like the paper's search, it holds no state but the
records.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.question import Question
from pipeline.dimension.rates import CarriedRate
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.status import reaches
from pipeline.dimension.verdict import Verdict, conclude
from pipeline.dimension.votes import decided, most

# Decades around the neighbour's d₉₀ within which nothing is taken for granted: two steps of A21's
# grid; on a coarse one only the neighbour's own bracket is tried first.
_REACH = 0.127

T = TypeVar("T")
Walk = Generator[Probe, Record, T]


def replay(walk: Walk[Verdict], records: Mapping[Probe, Record]) -> Probe | Verdict:
    """Drive a walk with the records known so far: the first unknown probe, or the verdict."""
    try:
        probe = next(walk)
        while probe in records:
            probe = walk.send(records[probe])
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict
    return probe


@dataclass
class EfficientWalk:
    """One walk: what it has seen, in its order, and what it believes of each grid index.

    It halves the grid where the paper's search does, so that equal records give equal verdicts,
    but believes before it knows: indices far from the neighbour's d₉₀ are taken to miss or reach,
    and a miss with the carried learning rate to be one with all. What the final bracket rests on is
    then made certain, and where a belief breaks the walk goes on with what was learned.
    """

    question: Question
    config: EfficientConfig
    seen: dict[Probe, Record] = field(default_factory=dict)
    beliefs: dict[int, bool] = field(default_factory=dict)
    sure: set[int] = field(default_factory=set)
    centre: int | None = None

    def __post_init__(self) -> None:
        self.rates = CarriedRate(self.question, self.seen)
        self.reach = self._reach()

    def walk(self) -> Walk[Verdict]:
        """Ask for probes until both ends of the final bracket are certain; return the verdict."""
        question = self.question
        self.centre = self._start()
        bracket = (-1, len(question.grid))
        for seeds in (1, question.seeds) if self.config.neighbour else (question.seeds,):
            self.beliefs, self.sure = {}, set()
            bracket = yield from self._settle(seeds)
            if self.config.neighbour:
                self.centre = min(bracket[1], len(question.grid) - 1)
            if seeds == question.seeds:
                break
        return conclude(question.grid, bracket, question.target, list(self.seen), self.seen)

    def _start(self) -> int | None:
        """Grid index of the neighbour's d₉₀, if it has one."""
        near, grid = self.question.near, self.question.grid
        if near is None or near.d90 is None:
            return None
        at = near.d90
        return min(range(len(grid)), key=lambda index: max(grid[index], at) / min(grid[index], at))

    def _reach(self) -> int:
        """`_REACH` in steps of the grid."""
        grid = self.question.grid
        return round(_REACH * (len(grid) - 1) / math.log10(grid[-1] / grid[0])) if grid[1:] else 0

    def _settle(self, seeds: int) -> Walk[tuple[int, int]]:
        """Neighbouring grid indices of which the lower misses and the higher reaches, for certain.

        Index −1 counts as a miss and the one past the grid as reaching.
        """
        last = len(self.question.grid)
        while True:
            low, high = yield from self._bisect(seeds)
            doubtful = [end for end in (low, high) if 0 <= end < last and end not in self.sure]
            if not doubtful:
                return low, high
            # Ends that were only believed come first: the other checks may turn out to be idle.
            end = min(doubtful, key=lambda end: end in self.beliefs)
            if end not in self.beliefs:
                believed = self._believed(end)
                self.beliefs[end] = yield from self._judge(end, seeds, thorough=False)
                if self.beliefs[end] is not believed:
                    # The neighbour's d₉₀ is no guide here, though its learning rate may be.
                    self.centre = None
            elif self.beliefs[end]:
                self.beliefs[end] = yield from self._confirmed(end)
                self.sure.add(end)
            else:
                self.beliefs[end] = yield from self._judge(end, seeds, thorough=True)
                if self.beliefs[end]:
                    # A pass found now still has to be confirmed.
                    self._doubt_misses()
                else:
                    self.sure.add(end)

    def _doubt_misses(self) -> None:
        """The carried rate missed where another one reaches: its other misses tell nothing."""
        self.beliefs = {
            index: reached
            for index, reached in self.beliefs.items()
            if reached or index in self.sure
        }

    def _bisect(self, seeds: int) -> Walk[tuple[int, int]]:
        low, high = -1, len(self.question.grid)
        while high - low > 1:
            middle = (low + high) // 2
            believed = self._believed(middle)
            if believed is None:
                believed = yield from self._judge(middle, seeds, thorough=False)
                self.beliefs[middle] = believed
                yield from self._look_at_the_largest(seeds)
            low, high = (low, middle) if believed else (middle, high)
        return low, high

    def _look_at_the_largest(self, seeds: int) -> Walk[None]:
        """While nothing was learned anywhere, or nothing reached in the neighbour, settle d_max."""
        near, last = self.question.near, len(self.question.grid) - 1
        # Further seeds start from the first one's bracket, whatever the neighbour found.
        nowhere = seeds == 1 and near is not None and near.d90 is None
        idle = all(self._told(one) <= self.question.idle() for one in self.seen.values())
        if last in self.beliefs or any(self.beliefs.values()) or not (idle or nowhere):
            return
        self.beliefs[last] = yield from self._judge(last, seeds, thorough=True)
        if not self.beliefs[last]:
            self.sure.add(last)

    def _believed(self, index: int) -> bool | None:
        """What is known or taken of an index; None where it has to be probed."""
        if index in self.beliefs:
            return self.beliefs[index]
        # More dimensions do not do worse, as far as nothing seen says otherwise.
        above = any(reached and known < index for known, reached in self.beliefs.items())
        below = any(not reached and known > index for known, reached in self.beliefs.items())
        if above != below:
            return above
        if self.centre is None or above or -self.reach <= index - self.centre < self.reach:
            return None
        return index >= self.centre

    def _judge(self, index: int, seeds: int, thorough: bool) -> Walk[bool]:
        """Whether more than half of the seeds reach; those that decide nothing are left out."""
        reached = 0
        for seed in range(seeds):
            reached += yield from self._reaches(self.question.grid[index], seed, thorough)
            if decided(reached, seed + 1, seeds):
                break
        return most(reached, seeds)

    def _confirmed(self, index: int) -> Walk[bool]:
        """Whether the pass of an index is more than one seed's lucky epoch.

        Where it is not, the index misses, and the other rates are not tried.
        """
        if self.question.seeds > 1 or not self.config.confirm:
            return True
        d = self.question.grid[index]
        passed = [
            probe
            for probe, record in self.seen.items()
            if probe.d == d and record.reached(self.question.target)
        ]
        target, error = self.question.target, self.question.target_error
        if any(self.seen[probe].proven(target, error) for probe in passed):
            return True
        # At the true d₉₀ every second training misses by a little: only a clear miss refutes.
        again = yield from self._score(Probe(d, 1, passed[0].learning_rate))
        return reaches(again, target - error)

    def _reaches(self, d: int, seed: int, thorough: bool) -> Walk[bool]:
        """Whether a seed reaches with the carried rate; ``thorough``: or with those beside it.

        Before anything is known the carried rate is a guess, to be compared where it learns.
        """
        question, config = self.question, self.config
        # What was tried here before counts, whatever is carried now.
        tried = {
            probe.learning_rate: self._told(record)
            for probe, record in self.seen.items()
            if (probe.d, probe.seed) == (d, seed)
        }
        guessed = not self.rates.informed()
        best = max(tried.values(), default=-math.inf)
        rate: float | None = self.rates.at(d) if config.carry_rate else min(question.learning_rates)
        while rate is not None and not (config.skip_rates and reaches(best, question.target)):
            tried[rate] = yield from self._score(Probe(d, seed, rate))
            best = max(tried.values())
            compare = thorough or not config.carry_rate or (guessed and best > question.idle())
            rate = self._beside(d, tried) if compare else None
        return reaches(best, question.target)

    def _beside(self, d: int, tried: Mapping[float, float]) -> float | None:
        """The learning rate to compare next with those tried at d; None where there is none."""
        rates = sorted(self.question.learning_rates)
        best = rates.index(max(tried, key=lambda rate: tried[rate]))
        everything = d == self.question.grid[-1] or not self.config.carry_rate
        beside = rates if everything else rates[max(best - 1, 0) : best + 2]
        left = [rate for rate in beside if rate not in tried]
        # The nearest; of two the larger, with which the target is more often reached.
        return min(left, key=lambda rate: (abs(rates.index(rate) - best), -rate), default=None)

    def _score(self, probe: Probe) -> Walk[float]:
        if probe not in self.seen:
            self.seen[probe] = yield probe
        return self._told(self.seen[probe])

    def _told(self, record: Record) -> float:
        return record.score(self.question.target)
