"""Learning rates in θ^d as multiples of full fine-tuning's own: one number for every d."""

from __future__ import annotations

from pipeline.errors import UserError
from pipeline.subspace.config import Normalisation

# The power of d that the unit follows; `unit_rate` derives it.
_POWERS: dict[Normalisation, float] = {"entry": -0.5, "column": -1.0}


def rate_power(normalisation: Normalisation) -> float:
    """The power of d that `unit_rate` follows: the unit at d is that at d = 1 times d^power.

    Raises:
        UserError: the normalisation is ``reference``, see `unit_rate`.
    """
    if normalisation not in _POWERS:
        raise UserError(
            f"normalisation is {normalisation}, whose scale differs from tensor to tensor, so that "
            "a relative learning rate has no unit: use normalisation entry, or absolute learning "
            "rates"
        )
    return _POWERS[normalisation]


def unit_rate(full_rate: float, *, size: int, d: int, normalisation: Normalisation) -> float:
    """The learning rate in θ^d that a relative rate of 1 stands for (docs/normalisation.md).

    A step of Adam moves each number by about the rate η against the sign of its gradient, so to
    first order it gains η·‖gradient‖₁. With g the gradient of the D weights, |g| its length:

    - full fine-tuning gains η_full·‖g‖₁ = η_full·c·√D·|g|, where c depends on how evenly g is
      spread: √(2/π) for normal entries, less for others;
    - in a subspace the entries of Pᵀg are sums of many terms, so they are about normal, of variance
      |g|²/d with ``entry`` and |g|²/D with ``column``; d of them gain η·√(2/π)·√d·|g| and
      η·√(2/π)·d/√D·|g|.

    Equal gains ask for η = κ·η_full·√(D/d) and κ·η_full·D/d, with κ = c/√(2/π): one number that
    knows neither d nor D. Here it is 1.

    Args:
        full_rate: η_full, the learning rate of full fine-tuning.
        size: D, all parameters that full fine-tuning trains.
        d: the dimension of the subspace.
        normalisation: how its projection is scaled.

    Raises:
        UserError: the normalisation is ``reference``: where each tensor has a scale of its own, no
            one rate gains the same at every d, and the published absolute rates belong to it.
    """
    return float(full_rate * (size / d) ** -rate_power(normalisation))
