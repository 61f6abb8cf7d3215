"""What is known of a question's d₉₀ after some trainings, with or without a neighbour's answer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from pipeline.dimension.evidence import Evidence, told
from pipeline.dimension.habits import UNKNOWN
from pipeline.dimension.noise import Noise
from pipeline.dimension.posterior import Model, Posterior, Rate
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record

# The ends of a 95 % interval.
TAILS = (0.025, 0.975)
# θ may lie this many decades outside the grid.
BEYOND = 0.5
_PLACES = 141
# The neighbour's answer: this share of the prior lies around it, so many decades wide.
_NEAR, _NEAR_SPREAD = 0.9, 0.2
# A neighbour whose learning rate served tells where the best one lies, to so many decades.
_NEAR_RATE = 0.2


def belief(question: Question, records: Iterable[Record]) -> Posterior:
    """What decides the next training: the neighbour's answer counts as a guess."""
    theta = _thetas(question)
    seen = [told(record, question) for record in records]
    return Posterior.of(_model(question, question.noise), theta, _guess(question, theta), seen)


def knowledge(question: Question, records: Iterable[Record], noise: Noise) -> Posterior:
    """What is reported: from the cell's own trainings alone, every θ equally likely before them.

    Its grid is fine where the probability is.
    """
    model = _model(question, noise)
    seen = [told(record, question) for record in records]
    wide = _flat(model, _thetas(question), seen)
    low, high = wide.quantiles((1e-4, 1 - 1e-4))
    step = wide.theta[1] - wide.theta[0]
    ends = max(low - step, wide.theta[0]), min(high + step, wide.theta[-1])
    return _flat(model, np.linspace(*ends, _PLACES), seen)


def _flat(model: Model, theta: np.ndarray, seen: list[Evidence]) -> Posterior:
    return Posterior.of(model, theta, np.full(len(theta), 1 / len(theta)), seen)


def _thetas(question: Question) -> np.ndarray:
    low, high = math.log10(question.grid[0]), math.log10(question.grid[-1])
    return np.linspace(low - BEYOND, high + BEYOND, _PLACES)


@lru_cache(maxsize=8)
def _model(question: Question, noise: Noise) -> Model:
    habits = question.near.habits if question.near else None
    return Model(question.levels, noise, _rate(question), habits.told() if habits else UNKNOWN)


def _rate(question: Question) -> Rate:
    """Where the best learning rate is expected: where the neighbour's was, else in the middle."""
    near = question.near
    if near is None or near.rate is None:
        return Rate(question.rates.centre, question.rates.spread)
    return Rate(near.rate, _NEAR_RATE)


def _guess(question: Question, theta: np.ndarray) -> np.ndarray:
    """The prior of θ: flat, and around the neighbour's answer if there is one."""
    flat = np.full(len(theta), 1 / len(theta))
    near = question.near
    if near is None:
        return flat
    place = np.clip(math.log10(near.d90) if near.d90 else -math.inf, theta[0], theta[-1])
    around = np.exp(-np.abs(theta - place) / _NEAR_SPREAD)
    return np.asarray((1 - _NEAR) * flat + _NEAR * around / around.sum())
