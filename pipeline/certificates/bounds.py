"""Upper bounds on a risk from an error on m independent rows and a description's bits (method §7).

With probability 1 − δ over the rows, for all described models at once: Chernoff's bound of one
model fails with probability exp(−m·kl(error‖risk)), and a model of K bits may use up 2⁻ᴷ of δ.
"""

from __future__ import annotations

import math

# Halvings of an interval of length 1: beyond the precision of a float.
_HALVINGS = 60


def description_bits(code: int, choices: int) -> float:
    """K of a model whose file has ``code`` bits: C + 2 log₂ C + log₂ of the choices.

    Args:
        code: bits of the file that is really written.
        choices: how many candidates there were to choose from by what training rows said.
    """
    return code + 2 * math.log2(code) + math.log2(choices)


def nats_a_row(bits: float, rows: int, delta: float) -> float:
    """What a description costs each row: (K ln 2 + ln(1/δ)) / m."""
    return (bits * math.log(2) + math.log(1 / delta)) / rows


def kl_bound(error: float, nats: float) -> float:
    """The largest risk p with kl(error‖p) ≤ nats, rounded up."""
    low, high = error, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if divergence(error, middle) <= nats:
            low = middle
        else:
            high = middle
    return high


def hoeffding_bound(error: float, nats: float) -> float:
    """Hoeffding's looser form of the same: error + √(nats / 2), at most 1."""
    return min(error + math.sqrt(nats / 2), 1.0)


def divergence(one: float, other: float) -> float:
    """Kl between two coins, in nats; infinite where ``other`` excludes what ``one`` has."""
    if (one > 0 and other <= 0) or (one < 1 and other >= 1):
        return math.inf
    ahead = one * math.log(one / other) if one > 0 else 0.0
    tail = (1 - one) * math.log((1 - one) / (1 - other)) if one < 1 else 0.0
    return ahead + tail
