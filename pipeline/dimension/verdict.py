"""What a search ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.common.status import Status
from pipeline.dimension.record import Probe, Record


@dataclass(frozen=True)
class Verdict:
    """The end of a search.

    ``d90`` is the smallest grid value that reached the target with the next smaller one missing it
    (``lower``, None when the smallest grid value itself reached). ``probes`` are those whose
    records the search used, in its order; ``winner`` is the probe at d₉₀ with the best metric.
    """

    status: Status
    reason: str
    d90: int | None = None
    lower: int | None = None
    winner: Probe | None = None
    probes: tuple[Probe, ...] = ()


def conclude(
    grid: Sequence[int],
    bracket: tuple[int, int],
    target: float,
    used: Sequence[Probe],
    records: Mapping[Probe, Record],
) -> Verdict:
    """The verdict of a finished search, from its final bracket of grid indices."""
    low, high = bracket
    lower = grid[low] if low >= 0 else None
    if high < len(grid):
        at_d90 = [probe for probe in used if probe.d == grid[high]]
        winner = max(at_d90, key=lambda probe: records[probe].score(target))
        reason = "" if lower else "the smallest d of the grid already reaches the target"
        return Verdict(Status.OK, reason, grid[high], lower, winner, tuple(used))
    at_top = [records[probe] for probe in used if probe.d == lower]
    status, reason = _missed(at_top, target)
    return Verdict(status, reason, None, lower, None, tuple(used))


def _missed(at_top: Sequence[Record], target: float) -> tuple[Status, str]:
    """Status and reason where the largest d of the grid missed, from its trainings."""
    d = at_top[0].probe.d
    if all(record.failed(target) for record in at_top):
        return Status.DIVERGED, f"training diverged at d = {d} with every learning rate"
    best = {seed: float("-inf") for seed in sorted({record.probe.seed for record in at_top})}
    for record in at_top:
        best[record.probe.seed] = max(best[record.probe.seed], record.score(target))
    scores = " and ".join(f"{score:.4f}" for score in best.values())
    reason = f"d = {d}, the largest of the grid, reaches {scores} of {target:.4f}"
    return Status.NOT_REACHED, reason
