"""Every dimension of the grid with every learning rate and seed (A21 §4: Figure 1, Table 1)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from pipeline.common.status import SearchEnd
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
            for d, seed in product(question.grid, range(question.seeds))
            for rate in question.rates.at(d)
        ]

    def next(self, records: Mapping[Probe, Record]) -> Probe | Verdict:
        """The first probe without a record, or the verdict."""
        for probe in self._probes:
            if probe not in records:
                return probe
        grid = self._question.grid
        high = next((index for index, d in enumerate(grid) if self._reaches(d, records)), len(grid))
        known = {probe: records[probe] for probe in self._probes}
        return conclude(self._question, known, SearchEnd.SETTLED, (high - 1, high))

    def _reaches(self, d: int, records: Mapping[Probe, Record]) -> bool:
        question = self._question
        reached = sum(
            any(
                records[Probe(d, seed, rate)].reached(question.target)
                for rate in question.rates.at(d)
            )
            for seed in range(question.seeds)
        )
        return most(reached, question.seeds)
