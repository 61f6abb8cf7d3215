"""How many dimensions a cloud of points has, by the distances to nearest neighbours: no torch.

TwoNN is Facco, d'Errico, Rodriguez and Laio 2017; MLE is Levina and Bickel 2004, with points put
together as MacKay and Ghahramani 2005 say. The numbers are those of scikit-dimension 0.5, which a
test compares where that is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Estimator = Literal["twonn", "mle"]
# The largest ratios of distances are left out, as the authors of TwoNN do: they are furthest from
# what the fit supposes.
_KEPT = 0.9
# Points nearer than this part of their own length are one point but for rounding.
_ROUNDING = 1e-6
# Rows whose distances to all others are in memory at a time.
_TILE = 256


@dataclass(frozen=True)
class Dimension:
    """An estimate with its 95 % interval; None where the points tell none.

    Attributes:
        value: the estimate.
        low: where the interval begins, by bootstrap over points, and ``high`` where it ends.
        points: points that have neighbours apart from themselves.
    """

    value: float | None
    low: float | None
    high: float | None
    points: int


def dimensions(
    points: np.ndarray, neighbours: int, draws: int, generator: np.random.Generator
) -> dict[Estimator, Dimension]:
    """TwoNN's and MLE's dimension of some points.

    A draw of the bootstrap takes points with the distances that they have among all: drawn again
    with its neighbours, a point would be its own neighbour.

    Args:
        points: (n, D).
        neighbours: k, how many MLE looks at.
        draws: of the bootstrap.
        generator: what they are drawn from.
    """
    least = _ROUNDING * float(np.sqrt(np.square(points).sum(1).mean())) if len(points) else 0.0
    distances = nearest(points, min(max(neighbours, 2), max(len(points) - 1, 0)))
    if distances.shape[1] < 2:
        return {name: Dimension(None, None, None, 0) for name in ("twonn", "mle")}
    distances = distances[distances[:, 0] > least]
    count = len(distances)
    if int(count * _KEPT) < 2:
        return {name: Dimension(None, None, None, count) for name in ("twonn", "mle")}
    ratios = np.log(distances[:, 1] / distances[:, 0])
    inverses = np.log(distances[:, -1:] / distances[:, :-1]).mean(1)
    drawn = generator.integers(count, size=(draws, count))
    return {
        "twonn": _with_interval(_twonn(ratios[None]), _twonn(ratios[drawn]), count),
        "mle": _with_interval(_mle(inverses[None]), _mle(inverses[drawn]), count),
    }


def nearest(points: np.ndarray, count: int) -> np.ndarray:
    """(n, count): each point's distances to its nearest others, in order."""
    from scipy.spatial.distance import cdist

    found = np.empty((len(points), count))
    values = points.astype(np.float64)
    for start in range(0, len(values), _TILE):
        stop = min(start + _TILE, len(values))
        apart = cdist(values[start:stop], values)
        apart[np.arange(stop - start), np.arange(start, stop)] = np.inf
        apart.partition(max(count - 1, 0), axis=1)
        found[start:stop] = np.sort(apart[:, :count], axis=1)
    return found


def _twonn(ratios: np.ndarray) -> np.ndarray:
    """The slope of −log(1 − F) over the sorted logarithms of r₂/r₁, a row (…, n) of them each."""
    count = ratios.shape[-1]
    kept = int(count * _KEPT)
    x = np.sort(ratios, axis=-1)[..., :kept]
    y = -np.log1p(-np.arange(1, kept + 1) / count)
    with np.errstate(divide="ignore"):
        return np.asarray((x * y).sum(-1) / np.square(x).sum(-1))


def _mle(inverses: np.ndarray) -> np.ndarray:
    """The harmonic mean of the points' own estimates, of whose inverses there is a row each."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / inverses.mean(-1))


def _with_interval(estimate: np.ndarray, drawn: np.ndarray, points: int) -> Dimension:
    low, high = np.quantile(drawn, [0.025, 0.975])
    if not np.isfinite([estimate[0], low, high]).all():
        return Dimension(None, None, None, points)
    return Dimension(float(estimate[0]), float(low), float(high), points)
