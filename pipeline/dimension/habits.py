"""What the cells of a study have in common: how metrics rise with d, and how seeds differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Slopes in units of (full − chance) a decade, and the seeds' jitters of log₁₀ d. The first slope is
# for metrics that hardly rise near their target, as where many examples mislead: taken for rare, it
# widens the interval where trainings show it, and no other.
SLOPES = np.array([0.05, *np.geomspace(0.15, 3.0, 6)])
_FLAT = 0.03
JITTERS = np.array([0.02, 0.06, 0.18, 0.5])
# What a neighbour tells counts for this share of the prior, so that a cell may always differ.
_SHARE = 0.5


@dataclass(frozen=True)
class Habits:
    """The probabilities of each of `SLOPES` and of each of `JITTERS`."""

    slopes: tuple[float, ...]
    jitters: tuple[float, ...]

    def told(self) -> Habits:
        """The prior of a cell whose neighbour has these."""
        slopes, jitters = (
            tuple(_SHARE * own + (1 - _SHARE) * common for own, common in zip(*pair, strict=True))
            for pair in ((self.slopes, UNKNOWN.slopes), (self.jitters, UNKNOWN.jitters))
        )
        return Habits(slopes, jitters)


UNKNOWN = Habits((_FLAT, *((1 - _FLAT) / 6,) * 6), (0.25, 0.3, 0.3, 0.15))
