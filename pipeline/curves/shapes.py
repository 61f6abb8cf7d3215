"""Shapes that learning curves have: a wait at chance, then a rise that flattens to the end.

With t the share of a training that is done (0 … 1), w the wait, τ the pace and b the bend, all in
shares of the whole training, a curve has learned at t

    f(t) = (1 − exp(−((t − w)/τ)^b)) / (1 − exp(−((1 − w)/τ)^b)),  0 before w,

of what it learns until its end, where f(1) = 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

# Chosen on recorded trainings of the laptop preset (docs/search.md), seeds 0 and 1.
_PACE, _PACE_SPREAD = 0.3, 0.6
_BENDS = (0.8, 2.0)
_WAITING, _LONGEST_WAIT = 0.75, 0.7
_SHAPES = 512


@lru_cache(maxsize=8)
def shapes(evaluations: int) -> np.ndarray:
    """What equally likely shapes have learned after each evaluation (shapes, evaluations)."""
    pace, bend, wait = _parameters()
    done = np.arange(1, evaluations + 1) / evaluations
    passed = np.maximum(done - wait[:, None], 0.0) / pace[:, None]
    whole = np.expm1(-(((1 - wait) / pace) ** bend))
    return np.asarray(np.expm1(-(passed ** bend[:, None])) / whole[:, None])


def _parameters() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pace, bend and wait of each shape (shapes,), spread evenly over their priors."""
    points = qmc.Halton(3, scramble=False).random(_SHAPES + 1)[1:]
    pace = _PACE * np.exp(_PACE_SPREAD * ndtri(points[:, 0]))
    bend = _BENDS[0] + (_BENDS[1] - _BENDS[0]) * points[:, 1]
    wait = np.maximum(points[:, 2] - (1 - _WAITING), 0.0) / _WAITING * _LONGEST_WAIT
    return pace, bend, wait
