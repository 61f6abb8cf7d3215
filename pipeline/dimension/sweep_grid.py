"""What a sweep over d trains (A21 §4): its values of d, and those that a model does not allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from pipeline.common.checked import Count, Fraction, Range, Rate, Size, check_fields
from pipeline.dimension.rates import DEFAULT_RATES, check_rates


@dataclass(frozen=True)
class SweepProbes:
    """What a sweep trains: every d with every learning rate and seed (A21 §4).

    ``points`` values of d from ``minimum`` to ``maximum``, evenly in the logarithm and without
    those that rounding makes equal. A probe trains for ``epochs`` (null: as many as the task's
    fine-tuning). d₉₀ is the smallest d that reaches ``fraction`` of full fine-tuning. The learning
    rates are those of ``search``: relative ``rates``, or absolute ``learning_rates`` with
    ``subspace.normalisation: reference``.
    """

    minimum: Count = 10
    maximum: Count = 10_000
    points: Annotated[int, Range(least=2, ceiling=1_000_000)] = 100
    rates: tuple[Rate, ...] = DEFAULT_RATES
    learning_rates: tuple[Rate, ...] | None = None
    seeds: Size = 1
    epochs: Size | None = None
    fraction: Fraction = 0.9

    def __post_init__(self) -> None:
        check_fields(self)
        if self.minimum >= self.maximum:
            raise ValueError(
                f"minimum is {self.minimum} and maximum {self.maximum}, but it must be 1 ≤ minimum "
                "< maximum"
            )
        check_rates(self.rates, self.learning_rates)

    def tried(self) -> int:
        """How many learning rates there are at each d."""
        return len(self.learning_rates or self.rates)

    def values(self) -> tuple[int, ...]:
        """Every d of the sweep, increasing."""
        spaced = np.geomspace(self.minimum, self.maximum, self.points)
        return tuple(sorted({int(value) for value in np.rint(spaced)}))

    def possible(self, layers: int, size: int) -> tuple[int, ...]:
        """The d that a model of ``size`` parameters in ``layers`` scaled layers (0: DID) allows."""
        return tuple(d for d in self.values() if left_out(d, layers, size) is None)


def left_out(d: int, layers: int, size: int) -> str | None:
    """Why there is no subspace of d dimensions in a model; None where there is one."""
    if d <= layers:
        return f"SAID scales {layers} layers, so d must be above {layers}"
    return f"the model has only {size} parameters" if d > size else None
