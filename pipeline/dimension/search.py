"""A21's search for d₉₀ (§5.1) as a pure function of the probes' outcomes.

The search holds no state but the outcomes it was told, in any order: asked what is next, it walks
its binary search from the start and stops at the first probe whose outcome it does not know. So a
journal of probes resumes it, outcomes that the walk does not ask for change nothing, and the
verdict is the same whatever was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.dimension.status import Status, reaches


@dataclass(frozen=True, order=True)
class Probe:
    """One subspace training: its dimension, the index of its seed, its learning rate."""

    d: int
    seed: int
    learning_rate: float


@dataclass(frozen=True)
class Outcome:
    """What a probe came to: its best evaluation metric; ``diverged`` when training broke down.

    A pass that is not ``proven`` may be one lucky epoch. ``curve`` has the accuracy of each epoch.
    """

    metric: float
    diverged: bool = False
    proven: bool = True
    curve: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        """The metric; that of a diverged training counts as lower than any other."""
        return float("-inf") if self.diverged else self.metric


@dataclass(frozen=True)
class Verdict:
    """The end of a search.

    ``d90`` is the smallest grid value that reached the target with the next smaller one missing it
    (``lower``, None when the smallest grid value itself reached). ``probes`` are the outcomes that
    the walk used, in its order; ``winner`` is the probe at d₉₀ with the best metric.
    """

    status: Status
    reason: str
    d90: int | None
    lower: int | None
    winner: Probe | None
    probes: tuple[Probe, ...]


class BinarySearch:
    """Binary search over a grid of dimensions, both ends of the final bracket really probed.

    A dimension counts as reached when more than half of its seeds reach the target, with an odd
    number of seeds the same as their median reaching it; a seed reaches with the best of the
    learning rates, tried in the order given; a diverged probe misses. Rates and seeds that can
    change nothing any more are skipped, unless ``exhaustive``.
    """

    def __init__(
        self,
        grid: Sequence[int],
        target: float,
        learning_rates: Sequence[float],
        seeds: int = 1,
        exhaustive: bool = False,
    ) -> None:
        assert list(grid) == sorted(set(grid)), "the grid must increase"
        self._grid = list(grid)
        self._target = target
        self._rates = list(learning_rates)
        self._seeds = seeds
        self._exhaustive = exhaustive

    def next(self, outcomes: Mapping[Probe, Outcome]) -> Probe | Verdict:
        """The probe to run next, or the verdict when the outcomes suffice."""
        used: list[Probe] = []
        bracket = bisect(
            lambda index: self._judge(self._grid[index], outcomes, used), -1, len(self._grid)
        )
        if isinstance(bracket, Probe):
            return bracket
        return conclude(self._grid, bracket, self._target, used, outcomes)

    def most_probes(self) -> int:
        """The largest number of probes that a search of this grid can take."""
        return len(self._grid).bit_length() * self._seeds * len(self._rates)

    def _judge(self, d: int, outcomes: Mapping[Probe, Outcome], used: list[Probe]) -> bool | Probe:
        reached = 0
        for seed in range(self._seeds):
            best = float("-inf")
            for probe in self._sweep(d, seed):
                if probe not in outcomes:
                    return probe
                used.append(probe)
                best = max(best, outcomes[probe].score)
                if reaches(best, self._target) and not self._exhaustive:
                    break
            reached += reaches(best, self._target)
            if not self._exhaustive and self._decided(reached, seed + 1):
                break
        return 2 * reached > self._seeds

    def _decided(self, reached: int, tried: int) -> bool:
        most = reached + self._seeds - tried
        return 2 * reached > self._seeds or 2 * most <= self._seeds

    def _sweep(self, d: int, seed: int) -> Iterator[Probe]:
        return (Probe(d, seed, rate) for rate in self._rates)


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


def conclude(
    grid: Sequence[int],
    bracket: tuple[int, int],
    target: float,
    used: Sequence[Probe],
    outcomes: Mapping[Probe, Outcome],
) -> Verdict:
    """The verdict of a finished walk, from its final bracket of grid indices."""
    low, high = bracket
    lower = grid[low] if low >= 0 else None
    if high < len(grid):
        at_d90 = [probe for probe in used if probe.d == grid[high]]
        winner = max(at_d90, key=lambda probe: outcomes[probe].score)
        reason = "" if lower else "the smallest d of the grid already reaches the target"
        return Verdict(Status.OK, reason, grid[high], lower, winner, tuple(used))
    at_top = [probe for probe in used if probe.d == lower]
    if all(outcomes[probe].diverged for probe in at_top):
        reason = f"training diverged at d = {lower} with every learning rate"
        return Verdict(Status.DIVERGED, reason, None, lower, None, tuple(used))
    best = {seed: float("-inf") for seed in sorted({probe.seed for probe in at_top})}
    for probe in at_top:
        best[probe.seed] = max(best[probe.seed], outcomes[probe].score)
    scores = " and ".join(f"{score:.4f}" for score in best.values())
    reason = f"d = {lower}, the largest of the grid, reaches {scores} of {target:.4f}"
    return Verdict(Status.NOT_REACHED, reason, None, lower, None, tuple(used))
