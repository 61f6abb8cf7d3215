"""The standard error of a share of examples, such as an accuracy."""

from __future__ import annotations

import math


def binomial_error(share: float, examples: int) -> float:
    """√(p (1 − p) / n) for a share p of n independent examples; p is held inside [0, 1]."""
    held = min(max(share, 0.0), 1.0)
    return math.sqrt(held * (1 - held) / examples)
