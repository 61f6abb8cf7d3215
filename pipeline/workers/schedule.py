"""Which stage of a graph is next: the ready one that the longest chain of others waits for.

A chain is as long as it has stages, whatever they cost: by their expected costs the simulated
studies are as often slower as faster (docs/decisions/0069).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Hashable, Mapping
from graphlib import TopologicalSorter
from typing import Generic, TypeVar

Stage = TypeVar("Stage", bound=Hashable)


class Schedule(Generic[Stage]):
    """The stages of a graph in an order in which several can run at a time.

    Args:
        needs: what each stage needs, in an order in which a stage comes after all that it needs.
    """

    def __init__(self, needs: Mapping[Stage, Collection[Stage]]) -> None:
        self._order = TopologicalSorter(needs)
        self._order.prepare()
        self._place = {stage: place for place, stage in enumerate(needs)}
        self._chain = dict.fromkeys(needs, 1)
        for stage in reversed(list(needs)):
            for needed in needs[stage]:
                self._chain[needed] = max(self._chain[needed], 1 + self._chain[stage])
        self._ready: list[tuple[int, int, Stage]] = []

    def take(self, fits: Callable[[Stage], bool] = lambda _: True) -> Stage | None:
        """The next stage to run, which is then no longer offered; None while none is ready.

        A stage that does not fit yet is waited for: were others let past it, one that needs much
        would never find room.
        """
        for stage in self._order.get_ready():
            # Places differ, so that stages themselves are never compared.
            heapq.heappush(self._ready, (-self._chain[stage], self._place[stage], stage))
        if not self._ready or not fits(self._ready[0][-1]):
            return None
        return heapq.heappop(self._ready)[-1]

    def finish(self, stage: Stage) -> None:
        """Let go on what waited for ``stage`` alone."""
        self._order.done(stage)
