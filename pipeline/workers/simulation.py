"""What a study would take on many workers: its schedule, worked out without running anything."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.workers.schedule import Schedule

Needs = Mapping[str, Collection[str]]
# A share of the workers' time, or of the makespan, that is nothing to speak of.
_BUSY = 0.05


@dataclass(frozen=True)
class Outcome:
    """A schedule that came to its end.

    Attributes:
        workers: how many there were.
        makespan: seconds from the first start to the last end.
        idle: the share of the workers' time in which they had nothing to run.
    """

    workers: int
    makespan: float
    idle: float


def simulate(
    needs: Needs, seconds: Mapping[str, float], workers: int, wide: Mapping[str, int]
) -> Outcome:
    """Run a graph's stages in the order that a driver takes them, by the clock of their costs.

    Args:
        needs: what each stage needs, each after all that it needs.
        seconds: on one worker, of the stages that take any time.
        workers: how many there are, all alike.
        wide: workers that a stage has together, which divide its time; 1 where none is named.
    """
    schedule, free, now, worked = Schedule(needs), workers, 0.0, 0.0

    def width_of(stage: str) -> int:
        return min(wide.get(stage, 1), workers)

    ends: list[tuple[float, int, str]] = []
    while True:
        while stage := schedule.take(partial(_fits, width_of, free)):
            width = width_of(stage)
            free -= width
            took = seconds.get(stage, 0.0) / width
            worked += took * width
            heapq.heappush(ends, (now + took, width, stage))
        if not ends:
            break
        now, width, stage = heapq.heappop(ends)
        free += width
        schedule.finish(stage)
    return Outcome(workers, now, 1 - worked / (workers * now) if now else 0.0)


def _fits(width_of: Callable[[str], int], free: int, stage: str) -> bool:
    return width_of(stage) <= free


def longest_chain(needs: Needs, seconds: Mapping[str, float]) -> dict[str, float]:
    """Of the chain of stages that takes longest, the seconds by kind; no worker shortens it."""
    until: dict[str, tuple[float, str | None]] = {}
    for name, needed in needs.items():
        before = max(needed, key=lambda one: until[one][0], default=None)
        start = until[before][0] if before else 0.0
        until[name] = start + seconds.get(name, 0.0), before
    found: dict[str, float] = {}
    stage: str | None = max(until, key=lambda one: until[one][0])
    while stage:
        kind = stage.partition("@")[0]
        found[kind] = found.get(kind, 0.0) + seconds.get(stage, 0.0)
        stage = until[stage][1]
    return found


def describe(
    needs: Needs, seconds: Mapping[str, float], counts: Sequence[int], wide: Mapping[str, int]
) -> str:
    """The schedules on so many workers each as a table, and what limits them."""
    chain = longest_chain(needs, {name: took / wide.get(name, 1) for name, took in seconds.items()})
    longest, total = sum(chain.values()), sum(seconds.values())
    lines = [f"{'workers':>8}{'hours':>10}{'idle':>8}  limited by"]
    for workers in counts:
        made = simulate(needs, seconds, workers, wide)
        by = "the work itself" if made.idle < _BUSY else "the order of what waits for what"
        if made.makespan <= longest * (1 + _BUSY):
            by = "the longest chain"
        lines.append(f"{workers:>8}{made.makespan / 3600:>10.2f}{made.idle:>8.0%}  {by}")
    parts = ", ".join(f"{kind} {took / 3600:.2f}" for kind, took in chain.items() if took)
    return "\n".join([
        f"{len(needs)} stages, {total / 3600:.2f} hours of work on one worker", *lines,
        f"the longest chain of stages takes {longest / 3600:.2f} hours: {parts}",
    ])  # fmt: skip
