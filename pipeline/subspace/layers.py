"""Which entries of θ^D belong to which layer, as runs of neighbouring entries."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.subspace.layout import Span


class Run(NamedTuple):
    """Entries ``start`` … ``stop`` − 1 of θ^D, all of one layer (counted from 0)."""

    start: int
    stop: int
    layer: int


class Layers:
    """A partition of the first entries of θ^D into layers, each one or more runs.

    Args:
        groups: the spans of each layer; together they cover 0 … D − 1 without gaps.
    """

    def __init__(self, groups: Sequence[Sequence[Span]]) -> None:
        self.count = len(groups)
        pieces = sorted(
            (span.start, span.stop, layer) for layer, group in enumerate(groups) for span in group
        )
        runs: list[Run] = []
        for piece in map(Run._make, pieces):
            if runs and runs[-1].layer == piece.layer:
                runs[-1] = runs[-1]._replace(stop=piece.stop)
            else:
                runs.append(piece)
        self._runs = runs
        self._starts = [run.start for run in runs]

    def within(self, start: int, stop: int) -> list[Run]:
        """The runs between two entries, cut off at them."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, stop - 1)
        return [
            Run(max(run.start, start), min(run.stop, stop), run.layer)
            for run in self._runs[first:last]
        ]
