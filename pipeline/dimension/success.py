"""How the best metric of a training rises with d: the model's mean and noise near d₉₀.

    metric(d) = target + h(s · (log₁₀ d − θ)) + noise

θ is the logarithm of d₉₀, s > 0 the slope in metric a decade, and h the identity near 0, flattening
to chance below and to full fine-tuning's metric above. A learning rate off the best one by x
decades leaves exp(−(x/w)⁴) of what is above chance. The noise of a training has two parts: that of
its seed, a jitter of log₁₀ d, so that it is large where the metric rises steeply; and that of the
evaluation examples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# What is left of a training's gain falls as exp(−(decades off / width)⁴): 0.85 at a factor of 3.
RATE_WIDTH = 0.75
# Seeds that share everything still differ by this much, on a plateau too.
_LEAST = 0.003
_SMALLEST = 1e-3


@dataclass(frozen=True)
class Levels:
    """The metrics between which the curve moves."""

    chance: float
    target: float
    full: float

    @property
    def span(self) -> float:
        """From chance to full fine-tuning."""
        return max(self.full - self.chance, _SMALLEST)


def bend(move: np.ndarray, levels: Levels) -> np.ndarray:
    """The identity near 0, flattening to chance below and to the full metric above."""
    down = max(levels.target - levels.chance, _SMALLEST)
    up = max(levels.full - levels.target, _SMALLEST)
    falls, rises = np.minimum(move, 0), np.maximum(move, 0)
    return np.asarray(-up * np.expm1(-rises / up) + down * np.expm1(falls / down))


def steepness(move: np.ndarray, levels: Levels) -> np.ndarray:
    """The derivative of `bend`, between 0 and 1."""
    down = max(levels.target - levels.chance, _SMALLEST)
    up = max(levels.full - levels.target, _SMALLEST)
    return np.asarray(np.exp(-np.maximum(move, 0) / up + np.minimum(move, 0) / down))


def rate_loss(decades: np.ndarray) -> np.ndarray:
    """The share of the gain above chance that is left so far from the best learning rate."""
    return np.asarray(np.exp(-((decades / RATE_WIDTH) ** 4)))


def spread(
    slope: np.ndarray, jitter: np.ndarray, move: np.ndarray, levels: Levels, own: float
) -> np.ndarray:
    """The standard deviation of a training's best metric around the curve."""
    seeds = slope * jitter * steepness(move, levels)
    return np.asarray(np.sqrt(seeds**2 + own**2 + _LEAST**2))
