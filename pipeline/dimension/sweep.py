"""Every dimension of the grid with every learning rate and seed (A21 §4: Figure 1, Table 1)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from pipeline.dimension.question import Question
from pipeline.dimension.search import Outcome, Probe, Verdict, conclude
from pipeline.dimension.status import reaches


class Sweep:
    """Probes everything; d₉₀ is the smallest d at which more than half of the seeds reach."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._probes = [
            Probe(d, seed, rate)
            for d, seed, rate in product(
                question.grid, range(question.seeds), question.learning_rates
            )
        ]

    def next(self, outcomes: Mapping[Probe, Outcome]) -> Probe | Verdict:
        """The first probe without an outcome, or the verdict."""
        for probe in self._probes:
            if probe not in outcomes:
                return probe
        grid = self._question.grid
        high = next(
            (index for index, d in enumerate(grid) if self._reaches(d, outcomes)), len(grid)
        )
        bracket = (high - 1, high)
        return conclude(grid, bracket, self._question.target, self._probes, outcomes)

    def most_probes(self) -> int:
        """The number of probes."""
        return len(self._probes)

    def _reaches(self, d: int, outcomes: Mapping[Probe, Outcome]) -> bool:
        question = self._question
        reached = sum(
            any(
                reaches(outcomes[Probe(d, seed, rate)].score, question.target)
                for rate in question.learning_rates
            )
            for seed in range(question.seeds)
        )
        return 2 * reached > question.seeds
