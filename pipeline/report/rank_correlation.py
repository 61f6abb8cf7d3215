"""Rank correlation of d₉₀ with steps or metrics where some d₉₀ are only bounded (method §5).

Kendall's τ_b and Spearman's ρ are both functions of the signs of all pairwise differences (Daniels
1944), and what a bound leaves open is the sign of some pairs: two cells above the largest d cannot
be told apart, but both are above every d₉₀ that was found. So no cell with a bound is dropped. The
estimate counts an open pair as a tie; the interval covers every way in which it may be resolved.

Letters in names: ``n`` units of a stratum, ``u`` units of all strata, ``r`` permutations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Up to this many, all permutations are gone through; above, so many less one are drawn.
_PERMUTATIONS = 10_000
_Z = 1.959963984540054  # of the normal distribution, two-sided 95 %
# Limits of n · variance / (1 − value²): see `interval`.
_TAU_VARIANCE = 2.0
_RHO_VARIANCE = 3.0


@dataclass(frozen=True)
class Stratum:
    """Units that are compared with each other only: the checkpoints of a task, say.

    Attributes:
        units: (n,) which unit each is, increasing; the same number is the same unit in all strata.
        x: (n,) what d₉₀ is compared with.
        low: (n,) d₉₀ is at least this.
        high: (n,) d₉₀ is at most this: equal to ``low`` where it was found, infinite where the
            largest d fell short.
    """

    units: Ints
    x: Floats
    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        assert len(self.units) == len(self.x) == len(self.low) == len(self.high)
        assert np.all(np.diff(self.units) > 0), "units must increase"
        assert np.all(self.low <= self.high) and np.all(np.isfinite(self.x))

    def bounded(self) -> int:
        """How many units have a bound instead of a d₉₀."""
        return int((self.low < self.high).sum())

    def signs_of_x(self) -> Floats:
        """(n, n) signs of x_i − x_j."""
        return np.sign(self.x[:, None] - self.x[None, :])

    def signs_of_d90(self, otherwise: Floats) -> Floats:
        """(n, n) signs of d₉₀,ᵢ − d₉₀,ⱼ, and ``otherwise`` (n, n) where they are not known."""
        above = self.low[:, None] >= self.high[None, :]
        below = above.T
        return np.where(above | below, above.astype(float) - below.astype(float), otherwise)


@dataclass(frozen=True)
class Association:
    """How d₉₀ goes with x. None is what the data leave undefined.

    Attributes:
        tau: Kendall's τ_b, with its 95 % interval ``tau_low`` to ``tau_high``.
        rho: Spearman's ρ, with its 95 % interval ``rho_low`` to ``rho_high``.
        p: of the permutation test, one-sided, in the direction that the claim expects;
            ``p_opposite`` in the other.
        p_least: the smallest p that these data could have given in the expected direction.
        units: how many checkpoints, or tasks, are the sample.
        cells: the (stratum, unit) pairs used, of which ``censored`` have only a bound.
    """

    tau: float | None
    tau_low: float | None
    tau_high: float | None
    rho: float | None
    rho_low: float | None
    rho_high: float | None
    p: float | None
    p_opposite: float | None
    p_least: float | None
    units: int
    cells: int
    censored: int


def associate(
    strata: Sequence[Stratum], expected: Literal[-1, 1], generator: np.random.Generator
) -> Association:
    """The association of d₉₀ with x within strata, pooled over them.

    Units are the sample: with several strata the interval is as wide as with one, because the cells
    of a checkpoint share its weights and are no independent evidence. ``expected`` is the sign that
    is claimed.
    """
    strata = [stratum for stratum in strata if len(stratum.units) > 1]
    units = sorted({int(unit) for stratum in strata for unit in stratum.units})
    tau, rho = _coefficients(strata, 0, 0)
    # Ties in x may be ties in d₉₀ as well: how large the least and the most are depends on that.
    ways = [_coefficients(strata, way, tied) for way in (-1, 1) for tied in (0, 1)]
    p, p_opposite, p_least = _test(strata, units, expected, generator)
    return Association(
        tau,
        *_widened([way[0] for way in ways], len(units), _TAU_VARIANCE),
        rho,
        *_widened([way[1] for way in ways], len(units), _RHO_VARIANCE),
        p,
        p_opposite,
        p_least,
        len(units),
        sum(len(stratum.units) for stratum in strata),
        sum(stratum.bounded() for stratum in strata),
    )


def interval(value: float, n: int, variance: float) -> tuple[float, float]:
    """The values v with (value − v)² ≤ z² · variance · (1 − v²) / n, which lie in [−1, 1].

    Solved for v, as Wilson's interval is for a proportion, so it has a width even at value = ±1,
    where a bootstrap has none. ``variance`` = 2 is the upper limit for τ over all populations
    (Daniels and Kendall 1947); 3 for ρ is taken like it. Simulated samples of 3 and more (τ) or 4
    and more (ρ) are covered; fewer say nothing.
    """
    if n <= variance:
        return -1.0, 1.0
    c = _Z**2 * variance / n
    reach = math.sqrt(c * (1 + c - value**2))
    return max(-1.0, (value - reach) / (1 + c)), min(1.0, (value + reach) / (1 + c))


def _coefficients(
    strata: Sequence[Stratum], resolution: int, tied: int
) -> tuple[float | None, float | None]:
    """τ_b and ρ with open pairs as ties (0), all against x (−1), or all with x (1).

    Where x is tied there is no with or against: ``tied`` is 0 for ties, 1 for any order.
    """
    sums = np.zeros((2, 3))
    for stratum in strata:
        a = stratum.signs_of_x()
        order = np.sign(np.subtract.outer(stratum.units, stratum.units))
        b = stratum.signs_of_d90(np.where(a == 0, tied * order, resolution * a))
        # A row's sum is twice the distance of its (average) rank from the middle one.
        for row, (one, other) in enumerate(((a, b), (a.sum(1), b.sum(1)))):
            sums[row] += [(one * other).sum(), (one**2).sum(), (other**2).sum()]
    tau, rho = (float(both / math.sqrt(x * y)) if x > 0 and y > 0 else None for both, x, y in sums)
    return tau, rho


def _widened(
    ways: Sequence[float | None], n: int, variance: float
) -> tuple[float | None, float | None]:
    """The interval that holds those of all ways to resolve the open pairs."""
    known = [way for way in ways if way is not None]
    if not known:
        return None, None
    return interval(min(known), n, variance)[0], interval(max(known), n, variance)[1]


def _test(
    strata: Sequence[Stratum], units: Sequence[int], expected: int, generator: np.random.Generator
) -> tuple[float | None, float | None, float | None]:
    """The p in the expected direction, in the other, and the least possible in the expected one.

    The units' d₉₀ are permuted against their x, by one order of all units for all strata. Exact
    where all orders can be gone through, whatever is tied or bounded.
    """
    if not strata:
        return None, None, None
    count = len(units)
    exact = math.factorial(count) <= _PERMUTATIONS
    if exact:
        order_ru = np.array(list(permutations(range(count))))
    else:
        drawn = generator.permuted(np.tile(np.arange(count), (_PERMUTATIONS - 1, 1)), axis=1)
        order_ru = np.concatenate([np.arange(count)[None], drawn])
    sums_r = expected * np.sum([_sums(stratum, units, order_ru) for stratum in strata], axis=0)
    # The first order is the one observed.
    return (
        float((sums_r >= sums_r[0]).mean()),
        float((sums_r <= sums_r[0]).mean()),
        float((sums_r == sums_r.max()).mean()),
    )


def _sums(stratum: Stratum, units: Sequence[int], order_ru: Ints) -> Ints:
    """(r,) Kendall's S of a stratum, its d₉₀ put in the order of its units within each order."""
    n = len(stratum.units)
    place_u = np.full(len(units), -1)
    place_u[np.searchsorted(units, stratum.units)] = np.arange(n)
    placed = place_u[order_ru]
    place_rn = placed[placed >= 0].reshape(len(order_ru), n)
    a = stratum.signs_of_x().astype(np.int64)
    b = stratum.signs_of_d90(np.zeros((n, n))).astype(np.int64)
    sums: Ints = np.einsum("ij,rij->r", a, b[place_rn[:, :, None], place_rn[:, None, :]])
    return sums
