"""A21's search for d₉₀ (§5.1) as a pure function of the probes' records.

The search holds no state but the records it was told, in any order: asked what is next, it walks
its binary search from the start and stops at the first probe whose record it does not know. So a
journal of probes resumes it, records that the walk does not ask for change nothing, and the
verdict is the same whatever was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pipeline.common.status import SearchEnd
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.verdict import Verdict, conclude
from pipeline.dimension.votes import decided, most


class BinarySearch:
    """Binary search over a grid of dimensions, both ends of the final bracket really probed.

    A dimension counts as reached when more than half of its seeds reach the target, with an odd
    number of seeds the same as their median reaching it; a seed reaches with the best of the
    learning rates, tried in the order given; a diverged probe misses. Rates and seeds that can
    change nothing any more are skipped, unless ``exhaustive``.
    """

    def __init__(self, question: Question, exhaustive: bool = False) -> None:
        self._question = question
        self._exhaustive = exhaustive

    def next(self, records: Mapping[Probe, Record]) -> Probe | Verdict:
        """The probe to run next, or the verdict when the records suffice."""
        question, used = self._question, list[Probe]()
        bracket = bisect(
            lambda index: self._judge(question.grid[index], records, used), -1, len(question.grid)
        )
        if isinstance(bracket, Probe):
            return bracket
        known = {probe: records[probe] for probe in used}
        return conclude(question, known, SearchEnd.SETTLED, bracket)

    def _judge(self, d: int, records: Mapping[Probe, Record], used: list[Probe]) -> bool | Probe:
        reached = 0
        for seed in range(self._question.seeds):
            passed = False
            for probe in self._sweep(d, seed):
                if probe not in records:
                    return probe
                used.append(probe)
                passed = passed or records[probe].reached(self._question.target)
                if passed and not self._exhaustive:
                    break
            reached += passed
            if not self._exhaustive and decided(reached, seed + 1, self._question.seeds):
                break
        return most(reached, self._question.seeds)

    def _sweep(self, d: int, seed: int) -> Iterator[Probe]:
        return (Probe(d, seed, rate) for rate in self._question.rates.at(d))


def bisect(judge: Callable[[int], bool | Probe], low: int, high: int) -> tuple[int, int] | Probe:
    """Narrow a bracket of grid indices until its ends are neighbours.

    ``judge`` says whether an index reaches, or which probe it needs to know first; such a probe is
    handed on. Index ``low`` misses and ``high`` reaches, or they lie just outside the grid.
    """
    while high - low > 1:
        middle = (low + high) // 2
        answer = judge(middle)
        if isinstance(answer, Probe):
            return answer
        low, high = (low, middle) if answer else (middle, high)
    return low, high
