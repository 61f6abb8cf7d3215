"""Computing in bfloat16 alone, with the weights that are trained kept in float32."""

from __future__ import annotations

import copy

import torch
from torch import nn

from pipeline.training.parameters import FlatParameters


class Halves:
    """A bfloat16 copy of a model that computes, and the float32 weights that the optimizer sees.

    The copy's weights are the float32 ones, rounded once an update; each micro-batch's gradient is
    added up in float32. Beside float32 training it costs 4 bytes a parameter; products,
    activations and their gradients take half.

    Attributes:
        model: the copy.
        vector: the float32 weights (D,), which are those of the model that was copied.
    """

    def __init__(self, model: nn.Module, flat: FlatParameters) -> None:
        self.model = copy.deepcopy(model).to(torch.bfloat16)
        self._copy = FlatParameters(self.model)
        self.vector = flat.values
        self.vector.grad = flat.grads

    def materialize(self) -> None:
        """Round the weights into the copy."""
        self._copy.values.copy_(self.vector)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        assert self.vector.grad is not None
        self.vector.grad.zero_()
        self._copy.zero_grad()

    def accumulate(self) -> None:
        """Add the copy's gradient to the float32 one."""
        assert self.vector.grad is not None
        self.vector.grad.add_(self._copy.grads)
        self._copy.zero_grad()

    def pull_back(self) -> None:
        """Nothing to do: the micro-batches' gradients have been added up."""
