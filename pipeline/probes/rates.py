"""The learning rates that a search offers its probes: relative ones, or a list of absolute ones."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.dimension.rates import Rates, listed
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.step_size import rate_power, unit_rate

# With the normalisation `reference` the best rate falls about so with d (docs/normalisation.md).
_REFERENCE_POWER = -0.75


def offered(
    rates: Sequence[float],
    learning_rates: Sequence[float] | None,
    *,
    subspace: SubspaceConfig,
    full_rate: float,
    size: int,
    grid: Sequence[int],
) -> Rates:
    """What a search may try at each d.

    Args:
        rates: multiples of the unit, which moves with d as the best rate does.
        learning_rates: absolute ones, the same at every d; None where the multiples count.
        subspace: where probes train.
        full_rate: the best learning rate of full fine-tuning, which the unit is made from.
        size: D.
        grid: the values of d.

    Raises:
        UserError: relative rates with the normalisation ``reference``, which has no unit.
    """
    if learning_rates is not None:
        return listed(learning_rates, _REFERENCE_POWER, grid)
    power = rate_power(subspace.normalisation)
    unit = unit_rate(full_rate, size=size, d=1, normalisation=subspace.normalisation)
    return Rates(tuple(rates), unit, power, power)
