"""Every dimension of the grid with every learning rate and seed (A21 §4: Figure 1, Table 1)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.verdict import Verdict, conclude
from pipeline.dimension.votes import most


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

    def next(self, records: Mapping[Probe, Record]) -> Probe | Verdict:
        """The first probe without a record, or the verdict."""
        for probe in self._probes:
            if probe not in records:
                return probe
        grid = self._question.grid
        high = next((index for index, d in enumerate(grid) if self._reaches(d, records)), len(grid))
        bracket = (high - 1, high)
        return conclude(grid, bracket, self._question.target, self._probes, records)

    def most_probes(self) -> int:
        """The number of probes."""
        return len(self._probes)

    def _reaches(self, d: int, records: Mapping[Probe, Record]) -> bool:
        question = self._question
        reached = sum(
            any(
                records[Probe(d, seed, rate)].reached(question.target)
                for rate in question.learning_rates
            )
            for seed in range(question.seeds)
        )
        return most(reached, question.seeds)
