"""The keys of a search in params.yaml: what d₉₀ is, and how it is searched for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pipeline.common.checked import (
    Distinct,
    Fraction,
    NotNegative,
    Rate,
    Size,
    check_fields,
)
from pipeline.common.target import Demand, TargetKind
from pipeline.dimension.grid import GridConfig
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import ProtocolName
from pipeline.dimension.rates import DEFAULT_RATES, check_rates
from pipeline.training.optimizers import AdamW, Optimizer


@dataclass(frozen=True)
class SearchConfig:
    """How d₉₀ is searched for (method §2, docs/search.md).

    Attributes:
        grid: the values of d.
        fraction: the share of the full metric that is to be reached, and ``target`` from where it
            is counted.
        fractions: further shares whose smallest d is read from the same probes where they tell it.
        margin: by how many standard errors full fine-tuning must beat chance for a d₉₀ to be
            searched (0: A21's literal rule).
        rates: the learning rates a probe may have, relative to full fine-tuning's best one
            (docs/normalisation.md).
        learning_rates: absolute ones instead, the same at every d: they belong to
            ``subspace.normalisation: reference``.
        epochs: how long a probe trains (None: as long as the task's fine-tuning).
        seeds: how many projections and trainings decide about a d with the protocols ``paper`` and
            ``sweep``; ``efficient`` repeats what tells most.
        protocol: the strategy of the search, and ``efficient`` what is asked of that one.
        optimizer: what moves the d numbers.
    """

    grid: GridConfig
    fraction: Fraction = 0.9
    target: TargetKind = "fraction"
    fractions: Annotated[tuple[Fraction, ...], Distinct()] = (0.75, 0.9, 0.95)
    margin: NotNegative = 0.0
    rates: tuple[Rate, ...] = DEFAULT_RATES
    learning_rates: tuple[Rate, ...] | None = None
    epochs: Size | None = None
    seeds: Size = 1
    protocol: ProtocolName = "efficient"
    efficient: EfficientConfig = field(default_factory=EfficientConfig)
    optimizer: Optimizer = field(default_factory=lambda: AdamW(weight_decay=0.0))

    def __post_init__(self) -> None:
        check_fields(self)
        check_rates(self.rates, self.learning_rates)
        if self.seeds > 1 and self.protocol == "efficient":
            raise ValueError(
                f"seeds is {self.seeds}, but the protocol efficient decides itself what to repeat: "
                "ask for another efficient.precision instead"
            )

    def demand(self) -> Demand:
        """What d₉₀ asks of every cell."""
        return Demand(self.fraction, self.target, self.margin)
