"""The noise of (metric − target) that does not depend on d."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Where no answers tell, half of the evaluation's variance is shared by a cell's trainings; and full
# fine-tuning answers the same examples, so that this much of the shared error is left.
_HALF, _CANCELLED = math.sqrt(0.5), 0.6


@dataclass(frozen=True)
class Noise:
    """Standard errors of (metric − target).

    Attributes:
        own: the evaluation's share that differs from training to training.
        shared: what all of a cell's trainings have in common: they and full fine-tuning, which sets
            the target, answer the same examples, and the target is known from a few full runs only.
    """

    own: float
    shared: float


def expected_noise(error: float, full_error: float) -> Noise:
    """The noise before any answers are known.

    Args:
        error: standard error of a metric near the target on the evaluation examples.
        full_error: what the few full runs leave open of the target.
    """
    return Noise(_HALF * error, math.hypot(_CANCELLED * _HALF * error, full_error))


def answered_noise(gaps: np.ndarray, rows: int, full_error: float) -> Noise:
    """The noise from the answers to each evaluation example.

    Args:
        gaps: (trainings, numbers), at least two trainings, whose covariance over ``rows`` is that
            of their metrics less the fraction of full fine-tuning's.
        rows: evaluation examples.
        full_error: see `expected_noise`.
    """
    covariance = np.cov(gaps)
    total = float(np.mean(np.diag(covariance)))
    others = covariance[~np.eye(len(gaps), dtype=bool)]
    shared = min(max(float(np.mean(others)), 0.0), total)
    return Noise(
        math.sqrt((total - shared) / rows), math.hypot(math.sqrt(shared / rows), full_error)
    )
