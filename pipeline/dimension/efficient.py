"""The efficient protocol: the paper's answer from fewer and shorter probes.

A walk is a generator: it yields the probe that it needs next and is sent its outcome. It is started
anew for every question (`replay`), so that, like the paper's search, it holds no state but the
outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pipeline.dimension.question import Question
from pipeline.dimension.rates import CarriedRate
from pipeline.dimension.search import Outcome, Probe, Verdict, conclude
from pipeline.dimension.status import reaches
from pipeline.dimension.stopping import StopRule

# Decades around the neighbour's d₉₀ within which nothing is taken for granted: two steps of A21's
# grid; on a coarse one only the neighbour's own bracket is tried first.
_REACH = 0.127

T = TypeVar("T")
Walk = Generator[Probe, Outcome, T]


@dataclass(frozen=True)
class EfficientConfig:
    """The levers of the efficient protocol, each a switch (docs/search.md has their effects).

    Attributes:
        stop_at_target: end a probe once it has reached.
        confirm: ask more than one lucky epoch of a pass: a second epoch at the target, a clear
            margin, or a second seed that does not clearly miss.
        futility: end a probe whose curve cannot be expected to reach any more, but not at the
            largest d: some curves wait on a plateau before they rise.
        race: end a probe that falls behind another learning rate of its d that missed; behind a
            larger one not before half of the epochs, because a smaller one learns more slowly.
        neighbour: start from the neighbouring checkpoint's d₉₀, and further seeds from the first's.
        skip_rates: leave the other learning rates of a d once one has reached.
        carry_rate: try the rate first that was best where most is known of rates (`CarriedRate`),
            and for a miss only those on both sides of the best one; all of them at the largest d.
        scale_rate: the carried rate follows the power of d that the question names.
        eval_rows: evaluate on so many fixed examples, and on all when those come near the target.
        max_steps: a probe's updates are capped here. This changes what is measured, and every
            output says so.
    """

    stop_at_target: bool = True
    confirm: bool = True
    futility: bool = True
    race: bool = True
    neighbour: bool = True
    skip_rates: bool = True
    carry_rate: bool = True
    scale_rate: bool = True
    eval_rows: int | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        for key in ("eval_rows", "max_steps"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ValueError(f"{key} is {value}, but must be at least 1, or null")

    def rule(self, question: Question, target: float | None = None) -> StopRule:
        """When a probe ends that is to reach ``target``, by default the question's own."""
        return StopRule(
            question.target if target is None else target,
            question.error(),
            question.epochs,
            question.idle(),
            self.stop_at_target,
            self.confirm,
            self.futility,
        )


class EfficientSearch:
    """Answers a question with the levers that ``config`` leaves on."""

    def __init__(self, question: Question, config: EfficientConfig) -> None:
        # Without a switch the search is asked a question that does not say so much.
        near = question.near if config.neighbour else None
        slope = question.rate_slope if config.scale_rate else 0.0
        self._question = replace(question, near=near, rate_slope=slope)
        self._config = config

    def next(self, outcomes: Mapping[Probe, Outcome]) -> Probe | Verdict:
        """The probe to run next, or the verdict when the outcomes suffice."""
        return replay(_Search(self._question, self._config).walk(), outcomes)

    def rule(self, probe: Probe, outcomes: Mapping[Probe, Outcome]) -> StopRule:
        """When a probe ends, given the outcomes before it."""
        rule = self._config.rule(self._question)
        if probe.d == self._question.grid[-1]:
            # A miss here is the verdict `not_reached`: only a better rate may end it early.
            rule = replace(rule, futility=False)
        rivals = {
            other: outcome
            for other, outcome in outcomes.items()
            if (other.d, other.seed) == (probe.d, probe.seed)
            and other != probe
            and not outcome.diverged
            and not reaches(outcome.score, self._question.target)
        }
        if not rivals or not self._config.race:
            return rule
        rival = max(rivals, key=lambda other: rivals[other].score)
        slower = probe.learning_rate < rival.learning_rate
        return replace(rule, rival=rivals[rival].curve, slower=slower)

    def most_probes(self) -> int:
        """A bound on the number of probes: at every d that a walk can visit."""
        question = self._question
        visits = min(2 * len(question.grid).bit_length() + 1, len(question.grid))
        confirming = int(self._config.confirm and question.seeds == 1)
        return visits * (len(question.learning_rates) * question.seeds + confirming)


def replay(walk: Walk[Verdict], outcomes: Mapping[Probe, Outcome]) -> Probe | Verdict:
    """Drive a walk with the outcomes known so far: the first unknown probe, or the verdict."""
    try:
        probe = next(walk)
        while probe in outcomes:
            probe = walk.send(outcomes[probe])
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict
    return probe


@dataclass
class _Search:
    """One walk: what it has seen, in its order, and what it believes of each grid index.

    It halves the grid where the paper's search does, so that equal outcomes give equal verdicts,
    but believes before it knows: indices far from the neighbour's d₉₀ are taken to miss or reach,
    and a miss with the carried learning rate to be one with all. What the final bracket rests on is
    then made certain, and where a belief breaks the walk goes on with what was learned.
    """

    question: Question
    config: EfficientConfig
    seen: dict[Probe, Outcome] = field(default_factory=dict)
    beliefs: dict[int, bool] = field(default_factory=dict)
    sure: set[int] = field(default_factory=set)
    centre: int | None = None

    def __post_init__(self) -> None:
        self.rates = CarriedRate(self.question, self.seen)
        self.reach = self._reach()

    def walk(self) -> Walk[Verdict]:
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
        idle = all(one.score <= self.question.idle() for one in self.seen.values())
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
            if 2 * reached > seeds or 2 * (reached + seeds - seed - 1) <= seeds:
                break
        return 2 * reached > seeds

    def _confirmed(self, index: int) -> Walk[bool]:
        """Whether the pass of an index is more than one seed's lucky epoch.

        Where it is not, the index misses, and the other rates are not tried.
        """
        if self.question.seeds > 1 or not self.config.confirm:
            return True
        d = self.question.grid[index]
        passed = [
            probe
            for probe, outcome in self.seen.items()
            if probe.d == d and reaches(outcome.score, self.question.target)
        ]
        if any(self.seen[probe].proven for probe in passed):
            return True
        # At the true d₉₀ every second training misses by a little: only a clear miss refutes.
        again = yield from self._score(Probe(d, 1, passed[0].learning_rate))
        return reaches(again, self.question.target - self.question.error())

    def _reaches(self, d: int, seed: int, thorough: bool) -> Walk[bool]:
        """Whether a seed reaches with the carried rate; ``thorough``: or with those beside it.

        Before anything is known the carried rate is a guess, to be compared where it learns.
        """
        question, config = self.question, self.config
        # What was tried here before counts, whatever is carried now.
        tried = {
            probe.learning_rate: outcome.score
            for probe, outcome in self.seen.items()
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
        return self.seen[probe].score
