"""What a sweep over d trains (A21 §4): its values of d, and those that a model does not allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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

    minimum: int = 10
    maximum: int = 10_000
    points: int = 100
    rates: tuple[float, ...] = DEFAULT_RATES
    learning_rates: tuple[float, ...] | None = None
    seeds: int = 1
    epochs: int | None = None
    fraction: float = 0.9

    def __post_init__(self) -> None:
        if not 1 <= self.minimum < self.maximum:
            raise ValueError(
                f"minimum is {self.minimum} and maximum {self.maximum}, but it must be 1 ≤ minimum "
                "< maximum"
            )
        if self.points < 2:
            raise ValueError(f"points is {self.points}, but must be at least 2")
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction is {self.fraction}, but must be in (0, 1]")
        check_rates(self.rates, self.learning_rates)
        for key, value in (("seeds", self.seeds), ("epochs", self.epochs)):
            if value is not None and value < 1:
                raise ValueError(f"{key} is {value}, but must be at least 1")

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
