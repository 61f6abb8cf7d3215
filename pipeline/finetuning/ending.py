"""When a full fine-tuning may end before its last update: when little is still to be gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.curves.forecast import forecast

# Of what a run lacks to a perfect metric, a later rise from a level where it seemed to stay is
# expected to bring so much in the time of a whole run. Such rises happen, and no forecast from a
# smooth curve has them: without this, recorded runs of the laptop preset lost five times as much
# as was promised (benchmarks/RESULTS.md).
_SECOND_RISE = 0.15


@dataclass(frozen=True)
class LittleToGain:
    """Ends a run once the best metric is not expected to rise by more than ``gain``.

    Attributes:
        gain: what is too little to train on for.
        beat: the best metric of another learning rate that the run is to be better than. It then
            ends as well when it is not expected to end better, and the best metric so far is that
            of both. None for a run that is taken for what it is.
    """

    gain: float
    beat: float | None = None

    def ends(
        self, curve: Sequence[float], evaluations: int, *, chance: float, error: float
    ) -> bool:
        """Whether the run may end after the evaluations of ``curve`` (see `forecast`)."""
        told = forecast(curve, evaluations, chance=chance, error=error)
        best = told.best if self.beat is None else max(told.best, self.beat)
        # The forecast does not know that no metric is above 1.
        lacking = 1 - best
        expected = replace(told, best=best).mean - best
        if best == told.best:
            expected += _SECOND_RISE * lacking * (1 - len(curve) / evaluations)
        return min(expected, lacking) <= self.gain
