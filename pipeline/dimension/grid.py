"""The values of d that a search may probe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from pipeline.common.checked import Count, Range, check_fields
from pipeline.errors import UserError

# A21's published values lie on int(logspace(2, 6, 64)); the grid goes on in the same ratio.
_ANCHOR = 100.0
_A21_RATIO = 10 ** (4 / 63)
_A21_MAXIMUM = 4_000_000


@dataclass(frozen=True)
class GridConfig:
    """From ``minimum`` to ``maximum`` in steps of ``ratio`` (null: that of A21's own grid, 1.157).

    ``maximum: null`` is 4 million, or D where the model has fewer parameters. ``values`` lists
    every d instead.
    """

    minimum: Count = 100
    maximum: Count | None = None
    # A ratio that is hardly above 1 would be a grid of every d there is, and no end of it.
    ratio: Annotated[float, Range(least=1.001)] | None = None
    values: tuple[Count, ...] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.values is not None and list(self.values) != sorted({*self.values} or {0}):
            raise ValueError("values must list at least one d, each larger than the one before")
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError(f"maximum is {self.maximum}, but must be at least {self.minimum}")


def grid_values(config: GridConfig, layers: int, size: int) -> tuple[int, ...]:
    """The grid for a model of ``size`` = D parameters in ``layers`` = m scaled layers (0 for DID).

    Strictly increasing; both ends are included. Without an explicit ratio the values in between
    are those of ``int(logspace(2, 6, 64))`` and its continuation.

    Raises:
        UserError: the minimum leaves no coordinate beside the layers' scales, an end is above D, or
            the minimum is above the maximum that null stands for.
    """
    if config.values is not None:
        config = replace(config, minimum=config.values[0], maximum=config.values[-1])
    if config.minimum <= layers:
        raise UserError(
            f"search.grid.minimum is {config.minimum}, but must be above the {layers} layers that "
            "SAID scales"
        )
    maximum = _maximum(config, size)
    if config.values is not None:
        return config.values
    anchor, ratio = (
        (_ANCHOR, _A21_RATIO) if config.ratio is None else (float(config.minimum), config.ratio)
    )
    first = np.floor(np.log(config.minimum / anchor) / np.log(ratio))
    last = np.ceil(np.log(maximum / anchor) / np.log(ratio))
    # The nudge keeps values that are whole but for rounding, such as 100 · r^63 = 10^6.
    values = (anchor * ratio ** np.arange(first, last + 1) + 1e-6).astype(int)
    inside = {int(value) for value in values if config.minimum < value < maximum}
    return tuple(sorted(inside | {config.minimum, maximum}))


def _maximum(config: GridConfig, size: int) -> int:
    """The largest grid value, once both ends are known to fit the model and each other."""
    maximum = min(_A21_MAXIMUM, size) if config.maximum is None else config.maximum
    for key, value in (("minimum", config.minimum), ("maximum", maximum)):
        if value > size:
            raise UserError(
                f"search.grid.{key} is {value}, above the model's D = {size} parameters: say at "
                f"most {size}"
            )
    if config.minimum > maximum:
        raise UserError(
            f"search.grid.minimum is {config.minimum}, above {maximum}, which is what "
            "search.grid.maximum: null stands for: say the maximum"
        )
    return maximum
