"""The learning rates of a search, and where the best one lies at each d."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Relative to the unit of docs/normalisation.md: the middle one is the best as measured, the others
# are there for models and tasks where it is not.
DEFAULT_RATES = (0.18, 0.35, 0.7)
# Decades that the best relative rate may lie off the middle one, as a standard deviation; and that
# the best absolute one may lie outside its list.
RELATIVE_SPREAD, _OUTSIDE = 0.2, 0.1


@dataclass(frozen=True)
class Rates:
    """The learning rates of a search: at d they are ``multiples`` · ``unit`` · d^``power``.

    Attributes:
        multiples: those that may be tried, relative to the unit.
        unit: what a multiple of 1 stands for at d = 1.
        power: how the rates that are offered move with d: 0 for a list that is the same at all d.
        best_power: how the best rate moves with d (docs/normalisation.md).
        middle: the d at which the best rate is expected in the middle of the list.
        spread: by how many decades it may lie off there, as a standard deviation.
    """

    multiples: tuple[float, ...]
    unit: float = 1.0
    power: float = 0.0
    best_power: float = 0.0
    middle: float = 1.0
    spread: float = RELATIVE_SPREAD

    def at(self, d: int) -> tuple[float, ...]:
        """The learning rates at d."""
        return tuple(multiple * self.unit * d**self.power for multiple in self.multiples)

    def multiple(self, d: int, rate: float) -> float:
        """Which of the multiples a learning rate at d is."""
        return min(
            zip(self.at(d), self.multiples, strict=True), key=lambda one: abs(one[0] - rate)
        )[1]

    def decades(self, d: int, rate: float) -> float:
        """How far a rate lies from the unit, in decades, the best one's movement taken out.

        So the best rate lies equally far at every d, as far as it follows its power.
        """
        moved = self.best_power * math.log10(d / self.middle) + self.power * math.log10(self.middle)
        return math.log10(rate / self.unit) - moved

    @property
    def centre(self) -> float:
        """Where the best rate is expected in decades: in the middle of the list."""
        return math.log10(min(self.multiples) * max(self.multiples)) / 2


def listed(rates: Sequence[float], power: float, grid: Sequence[int]) -> Rates:
    """A list of absolute rates, somewhere in which the best one of the grid's middle lies."""
    spread = math.log10(max(rates) / min(rates)) / 3 + _OUTSIDE
    return Rates(
        tuple(rates), best_power=power, middle=math.sqrt(grid[0] * grid[-1]), spread=spread
    )


def check_rates(rates: Sequence[float], learning_rates: Sequence[float] | None) -> None:
    """Refuse lists that no search could use.

    Raises:
        ValueError: a list is empty, repeats a rate, or has one that is not above 0.
    """
    for key, values in (("rates", rates), ("learning_rates", learning_rates)):
        if values is None:
            continue
        if not values or min(values) <= 0:
            raise ValueError(f"{key} must list at least one rate, all above 0")
        if len(set(values)) < len(values):
            raise ValueError(f"{key} must all be different")
