"""What an optimizer remembers of the updates it has done: named flat vectors and their count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from pipeline.training.optimizers import Optimizer


@dataclass(frozen=True)
class OptimizerState:
    """An optimizer's state over the flat parameters.

    Attributes:
        step: updates done.
        vectors: torch's name of each vector of the state (``exp_avg``, ``momentum_buffer``) → its
            values (D,).
    """

    step: int
    vectors: Mapping[str, torch.Tensor]

    @staticmethod
    def zeros(config: Optimizer, vector: torch.Tensor) -> OptimizerState:
        """The state before the first update."""
        return OptimizerState(0, {name: torch.zeros_like(vector) for name in config.state_names()})

    @staticmethod
    def of(optimizer: torch.optim.Optimizer, vector: torch.Tensor, step: int) -> OptimizerState:
        """What the optimizer holds for the vector after update ``step``."""
        held = optimizer.state[vector]
        return OptimizerState(
            step, {name: value.contiguous() for name, value in held.items() if name != "step"}
        )

    def restore(self, optimizer: torch.optim.Optimizer, vector: torch.Tensor) -> None:
        """Make the optimizer go on from here; one that does not count its updates ignores them."""
        optimizer.state[vector] = {
            "step": torch.tensor(float(self.step), device=vector.device),
            **{name: values.to(vector.device) for name, values in self.vectors.items()},
        }
