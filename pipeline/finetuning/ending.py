"""When a full fine-tuning may end before its last update: when little is still to be gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.curves.forecast import forecast


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
        expected = min(replace(told, best=best).mean, 1.0) - best
        return expected <= self.gain
