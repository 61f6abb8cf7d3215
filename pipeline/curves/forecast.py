"""What a training's best metric will be, from its evaluations so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from pipeline.curves.shapes import shapes

# By how many errors the best of the last one, two, three … evaluations lies above the level that
# they scatter around; evaluations before those are still below it.
_LUCK = (0.0, 0.56, 0.85)
_LUCK_SPREAD = 0.7
# A training that goes on smoothly may still leave a plateau: with this probability in the time of a
# whole training, and then it ends anywhere between its best metric and 1.
_SECOND_RISE = 0.15
# Trainings keep no exact time, they pause and leap: an evaluation lies off its shape by this share
# of what the shape rises in one evaluation's time.
_UNTIMELY = 0.4
# What remains open of a training that has ended: nothing.
_CERTAIN = 1e-9


@dataclass(frozen=True)
class Forecast:
    """The best metric that a training will have had at its end: a mixture over shapes.

    Attributes:
        best: the best metric so far; the final one is no lower.
        weights: the probability of each shape (shapes,).
        levels: the best metric still to come if the training has that shape, and ``spreads`` its
            standard deviation (shapes,).
        rising: the probability that it leaves a plateau instead, for anywhere between best and 1.
    """

    best: float
    weights: np.ndarray
    levels: np.ndarray
    spreads: np.ndarray
    rising: float

    def reaches(self, target: float) -> float:
        """The probability that the final best metric is at least ``target``."""
        if self.best >= target:
            return 1.0
        smooth = float(self.weights @ ndtr((self.levels - target) / self.spreads))
        anywhere = max(1 - target, 0.0) / max(1 - self.best, _CERTAIN)
        return (1 - self.rising) * smooth + self.rising * anywhere

    @property
    def smooth(self) -> tuple[float, float]:
        """Mean and standard deviation of the final best metric if it leaves no plateau."""
        mean, square = (float(self.weights @ moment) for moment in self._moments())
        return mean, math.sqrt(max(square - mean**2, 0.0))

    @property
    def mean(self) -> float:
        """The expected final best metric."""
        return self._mean_and_square[0]

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        mean, square = self._mean_and_square
        return math.sqrt(max(square - mean**2, 0.0))

    @cached_property
    def _mean_and_square(self) -> tuple[float, float]:
        smooth = (float(self.weights @ moment) for moment in self._moments())
        top = max(1.0, self.best)
        risen = (self.best + top) / 2, (self.best**2 + self.best * top + top**2) / 3
        mean, square = (
            (1 - self.rising) * one + self.rising * other
            for one, other in zip(smooth, risen, strict=True)
        )
        return mean, square

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """The first two moments, by shape, of the larger of ``best`` and what is to come."""
        at = (self.levels - self.best) / self.spreads
        above, density = ndtr(at), np.exp(-0.5 * at**2) / math.sqrt(2 * math.pi)
        first = self.best + (self.levels - self.best) * above + self.spreads * density
        second = (
            self.best**2 * (1 - above)
            + (self.levels**2 + self.spreads**2) * above
            + (self.levels + self.best) * self.spreads * density
        )
        return first, second


def forecast(
    curve: Sequence[float],
    evaluations: int,
    *,
    chance: float,
    error: float,
    prior: tuple[float, float] | None = None,
) -> Forecast:
    """Fit every shape to a curve; each is as likely as it makes the curve.

    The metric after evaluation i is chance + (A − chance) · f(i / n) + noise, where the level A is
    normal given a shape, so the fit is a regression on one number. The noise is ``error`` and a
    share of what the shape rises from one evaluation to the next.

    Args:
        curve: the metrics after the evaluations so far, at least one.
        evaluations: n, those of a whole training.
        chance: the metric of a model that has learned nothing.
        error: standard deviation of one evaluation around its training's smooth curve.
        prior: mean and standard deviation of A before the training; None where nothing is known.
    """
    seen = np.asarray(curve, dtype=float) - chance
    learned = shapes(evaluations)[:, : len(seen)]
    # Without a prior the level may be anything that a metric can be.
    mean, spread = prior if prior is not None else (chance, 1 - chance)
    rises = np.diff(learned, axis=1, prepend=0.0)
    noise = error**2 + (_UNTIMELY * (1 - chance) * rises) ** 2
    precision = (learned**2 / noise).sum(1) + spread**-2
    moment = (learned * seen / noise).sum(1) + (mean - chance) / spread**2
    fit = 0.5 * (moment**2 / precision - np.log(precision))
    fit -= 0.5 * (seen**2 / noise + np.log(noise)).sum(1)
    weights = np.exp(fit - fit.max())
    weights /= weights.sum()
    left = evaluations - len(seen)
    if not left:
        ended, certain = np.full_like(fit, max(curve)), np.full_like(fit, _CERTAIN)
        return Forecast(max(curve), weights, ended, certain, rising=0.0)
    luck = error * _LUCK[min(left, len(_LUCK)) - 1]
    spreads = np.sqrt(1 / precision + (_LUCK_SPREAD * error) ** 2)
    levels, rising = chance + moment / precision + luck, _SECOND_RISE * left / evaluations
    return Forecast(max(curve), weights, levels, spreads, rising)
