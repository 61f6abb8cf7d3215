"""What is known of d₉₀: the probability of (θ, slope, jitter, target, best rate) given trainings.

One grid over five unknowns of `pipeline.dimension.success`: θ; the slope s; the seeds' jitter; how
far the measured target is off; and by how many decades the best learning rate is off from where it
is expected. A training is likely for what its curve tells of its final best metric; or it may have
waited on a plateau, and then tells nothing but that it missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import ndtr

from pipeline.dimension.evidence import Evidence
from pipeline.dimension.habits import JITTERS, SLOPES, UNKNOWN, Habits
from pipeline.dimension.noise import Noise
from pipeline.dimension.success import Levels, bend, rate_loss, spread

_SHIFTS, _SHIFT_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
# The best learning rate's decades from where it is expected, in its prior's standard deviations.
_OFFSETS = np.linspace(-2.4, 2.4, 7)
# About this share of the trainings waits on a plateau, whatever d is.
PLATEAU = 0.04
# The share of what was seen that the model has no explanation for.
_LEAK = 0.002
# Well above the target curves differ most, and say no more than that they are.
_WELL_ABOVE = 0.1
# What a training may tell: that it reaches, that it comes near, or that it stays below this share
# of the way from chance to the target. How far below is not asked: the model's shape is trusted
# near d₉₀ only.
_MARKS = np.array([0.85, 1.0])
# What it tells of θ is averaged over so many draws from the posterior, in groups of equal θ.
_DRAWS, _GROUPS = 1500, 30


@dataclass(frozen=True)
class Rate:
    """Where the best learning rate is expected, in decades of the unit, and how surely."""

    centre: float
    sd: float


@dataclass(frozen=True)
class Model:
    """What does not depend on the trainings: levels, noise, the priors of habits and best rate."""

    levels: Levels
    noise: Noise
    rate: Rate
    habits: Habits = UNKNOWN

    @cached_property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Slope, jitter, shift of the target and best rate, each along an axis of its own."""
        slope = (self.levels.span * SLOPES)[:, None, None, None]
        jitter = JITTERS[:, None, None]
        shift = (self.noise.shared * _SHIFTS)[:, None]
        return slope, jitter, shift, self.rate.centre + self.rate.sd * _OFFSETS

    @cached_property
    def prior(self) -> np.ndarray:
        """The prior of all but θ (slopes, jitters, shifts, rates), summing to 1."""
        offsets = np.exp(-0.5 * _OFFSETS**2)
        slopes, jitters = np.array(self.habits.slopes), np.array(self.habits.jitters)
        weights = slopes[:, None, None, None] * jitters[:, None, None]
        weights = weights * _SHIFT_WEIGHTS[:, None] * offsets
        return np.asarray(weights / weights.sum())

    def outcome(self, theta: np.ndarray, d: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of a training's best metric, over the grid's axes."""
        return self.outcome_at((theta[:, None, None, None, None], *self.axes), d, rate)

    def outcome_at(
        self, unknowns: Sequence[np.ndarray], d: int | np.ndarray, rate: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same where θ, slope, jitter, shift and best rate are these, broadcast together."""
        theta, slope, jitter, shift, best = unknowns
        levels = self.levels
        move = slope * (np.log10(d) - theta)
        above = levels.target + bend(move, levels) - levels.chance
        mean = levels.chance + above * rate_loss(rate - best) + shift
        return mean, spread(slope, jitter, move, levels, self.noise.own)

    def likelihood(self, theta: np.ndarray, seen: Evidence) -> np.ndarray:
        """How likely each point of the grid makes a training."""
        mean, sd = self.outcome(theta, seen.d, seen.rate)
        levels = self.levels
        edge = levels.target + _WELL_ABOVE * max(levels.full - levels.target, 0.0)
        if seen.at_least or seen.mean > edge:
            low = seen.mean if seen.at_least else edge
            return np.asarray((1 - PLATEAU) * ndtr((mean - low) / sd) + _LEAK)
        sd = np.hypot(sd, seen.sd)
        normal = np.exp(-0.5 * ((seen.mean - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        missed = max(levels.target - levels.chance, 1e-3)
        waited = PLATEAU if seen.mean < levels.target else _LEAK
        return np.asarray((1 - PLATEAU) * normal + max(waited / missed, seen.rising))


@dataclass(frozen=True)
class Posterior:
    """The probability of every point of the grid (thetas, slopes, jitters, shifts, rates)."""

    model: Model
    theta: np.ndarray
    weights: np.ndarray

    @staticmethod
    def of(
        model: Model, theta: np.ndarray, prior: np.ndarray, seen: Iterable[Evidence]
    ) -> Posterior:
        """Bayes' rule over ``theta`` (thetas,) with ``prior`` (thetas,)."""
        total = np.log(prior)[:, None, None, None, None] + np.log(model.prior)
        for one in seen:
            total = total + _log_likelihood(model, _Places(theta), one)
        weights = np.exp(total - total.max())
        return Posterior(model, theta, weights / weights.sum())

    @cached_property
    def marginal(self) -> np.ndarray:
        """The probability of each θ."""
        return np.asarray(self.weights.sum(axis=(1, 2, 3, 4)))

    def habits(self) -> Habits:
        """What is known of slope and jitter."""
        slopes, jitters = self.weights.sum(axis=(0, 2, 3, 4)), self.weights.sum(axis=(0, 1, 3, 4))
        return Habits(tuple(slopes.round(4).tolist()), tuple(jitters.round(4).tolist()))

    def quantiles(self, shares: Sequence[float]) -> np.ndarray:
        """The θ below which these shares of the probability lie."""
        return np.asarray(
            np.interp(shares, np.cumsum(self.marginal) - self.marginal / 2, self.theta)
        )

    def reaches(self, d: int, rate: float) -> float:
        """The probability that a new training reaches the target."""
        return float((self.weights * self._chances(d, rate)).sum())

    def told(self, d: int, rate: float) -> tuple[float, float]:
        """What a new training is expected to tell of θ, in nats, and how likely it reaches.

        One that reaches ends there; of another it counts whether it came near.
        """
        levels = self.model.levels
        mean, sd = self.model.outcome_at(self._draws, d, rate)
        marks = levels.chance + (levels.target - levels.chance) * _MARKS[:, None]
        beyond = (1 - PLATEAU) * ndtr((mean - marks) / sd)
        outcomes = -np.diff(beyond, axis=0, prepend=1.0, append=0.0)
        each = outcomes.reshape(len(outcomes), _GROUPS, -1).mean(axis=2)
        average = each.mean(axis=1)
        return float(_entropy(average) - _entropy(each).mean()), float(average[-1])

    @cached_property
    def _draws(self) -> list[np.ndarray]:
        """Unknowns drawn from the posterior, evenly and in the order of θ: five times (draws,)."""
        shares = (np.arange(_DRAWS) + 0.5) / _DRAWS
        places = np.searchsorted(np.cumsum(self.weights), shares * self.weights.sum())
        at = np.unravel_index(places, self.weights.shape)
        axes = (self.theta, *self.model.axes)
        return [axis.ravel()[place] for axis, place in zip(axes, at, strict=True)]

    def metric_at(self, d: np.ndarray, shares: Sequence[float]) -> np.ndarray:
        """Quantiles (shares, d) of the expected best metric at each d, with the best rate."""
        theta, slope, jitter, shift, best = (axis[:, None] for axis in self._draws)
        mean, _ = self.model.outcome_at((theta, slope, jitter, shift, 0 * best), d, 0.0)
        return np.asarray(np.quantile(mean, shares, axis=0))

    def _chances(self, d: int, rate: float) -> np.ndarray:
        mean, sd = self.model.outcome(self.theta, d, rate)
        return np.asarray((1 - PLATEAU) * ndtr((mean - self.model.levels.target) / sd))

    def expects(self, d: int, rate: float) -> tuple[float, float]:
        """Mean and standard deviation of a new training's best metric, plateaus left out."""
        mean, sd = (
            np.broadcast_to(one, self.weights.shape)
            for one in self.model.outcome(self.theta, d, rate)
        )
        first = float((self.weights * mean).sum())
        second = float((self.weights * (mean**2 + sd**2)).sum())
        return first, float(np.sqrt(max(second - first**2, 0.0)))


def _entropy(shares: np.ndarray) -> np.ndarray:
    """In nats, of shares along the first axis that sum to 1."""
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=0))


class _Places:
    """An array that is the key of a cache."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self._bytes = values, values.tobytes()

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Places) and other._bytes == self._bytes


@lru_cache(maxsize=64)
def _log_likelihood(model: Model, theta: _Places, seen: Evidence) -> np.ndarray:
    """Asked again after every training, for all trainings before it."""
    return np.asarray(np.log(model.likelihood(theta.values, seen)), dtype=np.float32)
