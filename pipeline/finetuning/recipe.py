"""The recipe of fine-tuning: as params.yaml gives it for a task, and as one run follows it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated

from pipeline.common.checked import Count, Distinct, Rate, Share, Size, check_fields
from pipeline.training.optimizers import AdamW, Optimizer
from pipeline.training.precision import Precision

# Evaluations an epoch that has at least so many updates: there some of them are worth sparing, and
# a training that waits for a few hundred is not taken for hopeless (docs/decisions/0081).
EVALUATIONS, _LONG_EPOCH = 4, 1_000


@dataclass(frozen=True)
class FinetuneConfig:
    """How a task is fine-tuned (method §4): the defaults are the public recipe of RoBERTa.

    ``dropout: null`` leaves each model its own. With ``precision: bf16`` models compute under
    bfloat16 autocast; what is trained, and every sum of weights, stays in float32. With
    ``bf16_weights`` subspace trainings also hold the weights and their gradient in bfloat16: θ₀ is
    rounded, θ₀ + Pθ^d is summed in float32 and rounded once. What trains all weights computes as
    with ``bf16``, for most of its steps would be lost in bfloat16.
    With ``recompute`` the backward pass computes each block's activations anew instead of keeping
    them: the same gradient, to rounding, in much less memory and for a third more arithmetic.
    """

    epochs: Size = 10
    batch: Size = 32
    learning_rates: Annotated[tuple[Rate, ...], Distinct()] = (1e-5, 2e-5, 3e-5)
    warmup_fraction: Share = 0.06
    optimizer: Optimizer = field(default_factory=lambda: AdamW(weight_decay=0.1))
    dropout: Share | None = 0.1
    train_eval_rows: Count | None = None
    precision: Precision = "fp32"
    recompute: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.learning_rates:
            raise ValueError("learning_rates must list at least one rate, all above 0")

    def precision_for(self, *, subspace: bool) -> Precision:
        """How a model computes that is opened for subspace trainings alone, or for any."""
        narrow = self.precision == "bf16_weights"
        return "bf16" if narrow and not subspace else self.precision


@dataclass(frozen=True)
class Recipe:
    """One training run: what `fine_tune` needs besides the model and the data.

    With ``max_steps`` the run has at most so many updates. ``evaluations`` is how many a whole run
    has, evenly over its updates; None for one an epoch.
    """

    epochs: int
    batch: int
    learning_rate: float
    warmup_fraction: float
    optimizer: Optimizer
    train_eval_rows: int | None = None
    max_steps: int | None = None
    evaluations: int | None = None

    def updates(self, rows: int) -> int:
        """Updates of a whole run on ``rows`` training examples."""
        whole = math.ceil(rows / self.batch) * self.epochs
        return whole if self.max_steps is None else min(whole, self.max_steps)

    def evaluated_after(self, rows: int) -> tuple[int, ...]:
        """The updates after which a whole run on ``rows`` examples is evaluated; the last is one.

        A run of fewer updates than evaluations is evaluated after each.
        """
        total = self.updates(rows)
        if self.evaluations is None:
            interval = math.ceil(total / self.epochs)
            return (*range(interval, total, interval), total)
        count = min(self.evaluations, total)
        return tuple(round(k * total / count) for k in range(1, count + 1))


def long_evaluations(rows: int, batch: int, epochs: int) -> int | None:
    """Evaluations of an efficient run on ``rows`` examples; None for one an epoch."""
    return EVALUATIONS * epochs if math.ceil(rows / batch) >= _LONG_EPOCH else None
