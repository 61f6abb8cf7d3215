"""A subspace whose numbers are levels: which level each takes is trained, and the levels are.

Forward, each number stands for its nearest level; backward, its gradient passes to the number and
to its level alike (a straight-through estimate). So a few bits a number suffice all along.
"""

from __future__ import annotations

import torch

from pipeline.subspace.quantise import Quantised, quantise
from pipeline.subspace.reparameterisation import Subspace


class QuantisedSubspace:
    """A subspace trained through few levels, with the head inside.

    Attributes:
        vector: what the optimizer sees, (d + k,): how far each number is from its start, then the k
            levels.
    """

    def __init__(self, subspace: Subspace, trained: torch.Tensor, levels: int) -> None:
        """Start from a trained vector (d,).

        Args:
            subspace: untrained: its vector is the start that numbers are counted from.
            trained: a vector of it.
            levels: the most levels.
        """
        assert subspace.config.head == "inside", "numbers outside of the d are in no code"
        self._subspace = subspace
        self._start = subspace.vector.detach().clone()
        moved = trained - self._start
        codebook = quantise(moved, levels).codebook.to(moved)
        self.vector = torch.cat([moved, codebook])
        self.vector.grad = torch.zeros_like(self.vector)

    def quantised(self) -> Quantised:
        """The numbers as they are evaluated: levels in half precision, those that are taken."""
        levels = self._levels().half()
        codebook, codes = levels.cpu().unique(return_inverse=True)
        return Quantised(codes.to(torch.uint8), codebook)

    def materialize(self) -> None:
        """Write the weights of the levels into the model."""
        with torch.no_grad():
            self._subspace.vector.copy_(self._start + self._levels())
        self._subspace.materialize()

    def accumulate(self) -> None:
        """As the subspace does."""
        self._subspace.accumulate()

    def pull_back(self) -> None:
        """Pass each number's gradient to it and to its level."""
        self._subspace.pull_back()
        gradient, target = self._subspace.vector.grad, self.vector.grad
        assert gradient is not None and target is not None
        size = len(self._start)
        target[:size] = gradient
        target[size:] = 0
        target[size:].index_add_(0, self._codes(), gradient)

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._subspace.zero_grad()

    def _levels(self) -> torch.Tensor:
        """What each number stands for, in half precision."""
        return self._codebook()[self._codes()]

    def _codes(self) -> torch.Tensor:
        """Which level is nearest to each number, by its place in the vector."""
        numbers = self.vector[: len(self._start)]
        ordered, places = self._codebook().sort()
        return places[torch.bucketize(numbers, (ordered[1:] + ordered[:-1]) / 2)]

    def _codebook(self) -> torch.Tensor:
        return self.vector[len(self._start) :].half().to(self._start)
