"""How well probes know d₉₀: a 95 % interval from a monotone accuracy curve fitted to all of them.

Near d₉₀ the accuracy of a probe is taken as

    target + h(s · (log₁₀ d − θ)) + noise,

with θ the logarithm of the true d₉₀, s > 0 the slope in accuracy a decade, and h the identity that
flattens towards chance below and full fine-tuning's metric above. The noise has three
parts: that of the seed; that of the evaluation examples which differs between probes; and that
which all probes share because they and full fine-tuning, which sets the target, answer the same
examples. Probes that were stopped count for what they tell: at least so much, or below the target.
So do those well above the target, because curves differ there: some level off, others rise ever
more steeply to the top, and h would let such probes pull θ down.
Slope and seed noise are integrated over wide priors, so a few probes give an interval, a wide one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.dimension.bounds import Bound, bounds
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record

LEVEL = 0.95
# θ may lie this many decades below or above the probed range.
_BEYOND = 1.5
_PLACES = 240
# The slope in units of (full − chance) a decade, and the seeds' standard deviation of accuracy.
_SLOPES = np.geomspace(0.12, 3.0, 10)
_SEED_ERRORS = np.geomspace(0.001, 0.1, 8)
# A probe more than this part of the way from the target to the full accuracy is well above it.
_WELL_ABOVE = 1 / 3
# About this share of the bounds is wrong: a probe that was stopped as hopeless would have reached,
# or one reached by luck where most miss.
_LEAK = 0.02
_SHARED_NODES = 7


@dataclass(frozen=True)
class Noise:
    """Standard errors of (metric − target) from the evaluation examples.

    ``own`` is what differs from probe to probe, ``shared`` what a cell's probes have in common.
    """

    own: float
    shared: float


@dataclass(frozen=True)
class Levels:
    """The metrics between which the curve moves."""

    chance: float
    target: float
    full: float


def posterior(seen: Sequence[Bound], levels: Levels, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
    """Values of θ (places,) and the probability of each (places,)."""
    from scipy.special import ndtr

    probed = np.log10([one.d for one in seen])
    theta = np.linspace(probed.min() - _BEYOND, probed.max() + _BEYOND, _PLACES)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_SHARED_NODES)
    span = max(levels.full - levels.chance, 1e-3)
    place = theta[:, None, None, None]
    slope = (span * _SLOPES)[None, :, None, None]
    sigma = np.hypot(noise.own, _SEED_ERRORS)[None, None, :, None]
    shift = (noise.shared * nodes)[None, None, None, :]
    shape = (_PLACES, len(_SLOPES), len(_SEED_ERRORS), _SHARED_NODES)
    total = np.broadcast_to(np.log(weights / weights.sum()), shape)
    for one, at in zip((_told(one, levels) for one in seen), probed, strict=True):
        mean = levels.target + _bend(slope * (at - place), levels) + shift
        above = (one.low - mean) / sigma
        if one.low == one.high:
            total = total - 0.5 * above**2 - np.log(sigma)
        else:
            below = np.inf if math.isinf(one.high) else (one.high - mean) / sigma
            total = total + np.log((1 - _LEAK) * (ndtr(below) - ndtr(above)) + _LEAK)
    chance = np.exp(total - total.max()).sum(axis=(1, 2, 3))
    return theta, chance / chance.sum()


def _told(one: Bound, levels: Levels) -> Bound:
    """What a probe tells of the curve near the target."""
    edge = levels.target + _WELL_ABOVE * max(levels.full - levels.target, 0.0)
    return Bound(one.d, edge, math.inf) if one.low > edge else one


def d90_interval(
    question: Question, records: Iterable[Record], full: float, noise: Noise, d90: int | None
) -> tuple[float, float]:
    """The 95 % interval that goes with a search's verdict; see `clipped` for its open ends.

    Args:
        question: what was searched.
        records: the trainings that the search rests on.
        full: metric of full fine-tuning.
        noise: of the evaluation examples.
        d90: the verdict, None where nothing reached.
    """
    levels = Levels(question.chance, question.target, full)
    fitted = interval(bounds(question, records), levels, noise)
    return clipped(fitted, question.grid, d90)


def interval(seen: Sequence[Bound], levels: Levels, noise: Noise) -> tuple[float, float]:
    """The central 95 % interval of d₉₀."""
    theta, chance = posterior(seen, levels, noise)
    tail = (1 - LEVEL) / 2
    low, high = np.interp([tail, 1 - tail], np.cumsum(chance), theta)
    return float(10**low), float(10**high)


def clipped(
    fitted: tuple[float, float], grid: Sequence[int], d90: int | None
) -> tuple[float, float]:
    """An interval that holds the verdict and is open (0, infinity) where it leaves the grid.

    ``d90`` is None where the largest d missed: then only the lower bound is known.
    """
    low, high = fitted
    if d90 is None:
        return min(low, grid[-1]), math.inf
    low, high = min(low, d90), max(high, d90)
    return (low if low >= grid[0] else 0.0), (high if high <= grid[-1] else math.inf)


def _bend(move: np.ndarray, levels: Levels) -> np.ndarray:
    """Identity near 0, flattening to chance below and to the full accuracy above."""
    down = max(levels.target - levels.chance, 1e-3)
    up = max(levels.full - levels.target, 1e-3)
    falls, rises = np.minimum(move, 0), np.maximum(move, 0)
    bent: np.ndarray = up * -np.expm1(-rises / up) - down * -np.expm1(falls / down)
    return bent


def evaluation_noise(gaps: np.ndarray | None, error: float, fraction: float, rows: int) -> Noise:
    """Standard errors from the answers to each evaluation example.

    Args:
        gaps: (probes, numbers), whose covariance over ``rows`` is that of the probes' metrics less
            ``fraction`` times full fine-tuning's; None where this is not known, then half of the
            variance is taken to be shared.
        error: standard error of a metric near the target, used where there are no gaps.
        fraction: by which full fine-tuning's metric enters the target.
        rows: evaluation examples.
    """
    if gaps is None or len(gaps) < 2:
        half = error / math.sqrt(2)
        return Noise(half, half * (1 - fraction + 0.5))
    covariance = np.cov(gaps)
    total = float(np.mean(np.diag(covariance)))
    others = covariance[~np.eye(len(gaps), dtype=bool)]
    shared = min(max(float(np.mean(others)), 0.0), total)
    return Noise(math.sqrt((total - shared) / rows), math.sqrt(shared / rows))
