"""Which stage of a graph is next: the ready one that the longest chain of others waits for."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Hashable, Mapping
from typing import Generic, TypeVar

Stage = TypeVar("Stage", bound=Hashable)


class Schedule(Generic[Stage]):
    """The stages of a graph in an order in which several can run at a time.

    Args:
        needs: what each stage needs, in an order in which a stage comes after all that it needs.
    """

    def __init__(self, needs: Mapping[Stage, Collection[Stage]]) -> None:
        self._waits = {stage: set(needed) for stage, needed in needs.items()}
        self._feeds: dict[Stage, list[Stage]] = {stage: [] for stage in needs}
        for stage, needed in needs.items():
            for other in needed:
                self._feeds[other].append(stage)
        self._place = {stage: place for place, stage in enumerate(needs)}
        self._chain: dict[Stage, int] = {}
        for stage in reversed(list(needs)):
            self._chain[stage] = 1 + max(
                (self._chain[fed] for fed in self._feeds[stage]), default=0
            )
        self._ready: list[tuple[int, int, Stage]] = []
        for stage, needed in self._waits.items():
            if not needed:
                self._push(stage)

    def take(self) -> Stage | None:
        """The next stage to run, which is then no longer offered; None while none is ready."""
        return heapq.heappop(self._ready)[-1] if self._ready else None

    def finish(self, stage: Stage) -> None:
        """Let go on what waited for ``stage`` alone."""
        for fed in self._feeds[stage]:
            self._waits[fed].remove(stage)
            if not self._waits[fed]:
                self._push(fed)

    def _push(self, stage: Stage) -> None:
        # Places differ, so that stages themselves are never compared.
        heapq.heappush(self._ready, (-self._chain[stage], self._place[stage], stage))
