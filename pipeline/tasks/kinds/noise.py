"""How far a metric may be off because the evaluation examples are a sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.common.seeds import numpy_generator

Metric = Callable[[np.ndarray, np.ndarray], float]

# The error of a standard error from so many resamples is 3 % of it.
_RESAMPLES = 500


def resampled(metric: Metric, answers: Sequence[np.ndarray], targets: np.ndarray) -> np.ndarray:
    """The metric of several models on bootstrap resamples of the evaluation examples.

    All models see the same resamples, and the same number of examples always gives the same ones.

    Args:
        metric: a function of answers and targets (rows,).
        answers: those of each model (rows,).
        targets: what would be right (rows,).

    Returns:
        The metrics (models, resamples).
    """
    rows = len(targets)
    generator = numpy_generator(0, "bootstrap")
    found = np.empty((len(answers), _RESAMPLES))
    for place in range(_RESAMPLES):
        chosen = generator.integers(rows, size=rows)
        found[:, place] = [metric(own[chosen], targets[chosen]) for own in answers]
    return found


def share_error(share: float, rows: int) -> float:
    """The binomial standard error of a share of ``rows`` examples."""
    share = min(max(share, 0.0), 1.0)
    return math.sqrt(share * (1 - share) / rows)


def correlation_error(value: float, rows: int) -> float:
    """The standard error of a correlation in large samples, (1 − r²) / √(n − 1).

    At 0 it is exact for answers in random order; Matthews' coefficient is a correlation too.
    """
    return (1 - min(value * value, 1.0)) / math.sqrt(max(rows - 1, 1))
