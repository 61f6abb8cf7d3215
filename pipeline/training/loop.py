"""The training loop: one for pretraining, full fine-tuning and every subspace.

What differs is passed in: the trainable says which vector the optimizer sees, the batches and the
loss say what is learned. Everything random depends on the step alone (data order through
``batches``, dropout through the seed set at each step), so a run resumed at step t with the same
weights and optimizer state goes on exactly as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import nn

from pipeline.common.seeds import seed_dropout
from pipeline.training.distributed import ALONE, Ranks

Batch = TypeVar("Batch")


class Trainable(Protocol):
    """What the optimizer sees of a model: one vector, and the way to and from the weights."""

    vector: torch.Tensor

    def materialize(self) -> None:
        """Write the weights that belong to ``vector`` into the model."""

    def accumulate(self) -> None:
        """Take in the weights' gradient of a micro-batch."""

    def pull_back(self) -> None:
        """Turn the weights' gradient into ``vector.grad``."""

    def zero_grad(self) -> None:
        """Forget the weights' gradient."""


@dataclass(frozen=True)
class Step:
    """One finished update: how many are done, and its loss (a detached scalar on the device)."""

    done: int
    loss: torch.Tensor


def train(
    model: nn.Module,
    trainable: Trainable,
    optimizer: torch.optim.Optimizer,
    schedule: Callable[[int], float],
    batches: Callable[[int], Sequence[Batch]],
    loss: Callable[[nn.Module, Batch], torch.Tensor],
    *,
    seed: int,
    start: int,
    stop: int,
    ranks: Ranks = ALONE,
) -> Iterator[Step]:
    """Run updates ``start`` … ``stop`` − 1, yielding after each; the caller may leave at any time.

    Args:
        model: the module whose weights ``trainable`` writes; put into training mode each step.
        trainable: owner of the optimised vector.
        optimizer: an optimizer over ``[trainable.vector]``.
        schedule: learning rate of an update, from its index.
        batches: the micro-batches of an update, from its index.
        loss: a micro-batch's share of the update's loss; the shares are summed.
        seed: dropout masks come from ``(seed, "dropout", index)``, and from the rank in other
            processes than the first.
        start: index of the first update.
        stop: one past the index of the last.
        ranks: the processes that train together; ``batches`` gives this one's micro-batches, and
            ``loss`` their share of the whole update. Their gradients are summed, so every process
            takes the same step.
    """
    # The first process draws the dropout that it would draw alone; each other one its own.
    stream = (ranks.rank,) if ranks.rank else ()
    for index in range(start, stop):
        if not model.training:  # setting it goes through every module
            model.train()
        seed_dropout(seed, "dropout", index, *stream)
        for group in optimizer.param_groups:
            group["lr"] = schedule(index)
        trainable.materialize()
        trainable.zero_grad()
        total = torch.zeros((), device=trainable.vector.device)
        for batch in batches(index):
            share = loss(model, batch)
            share.backward()
            trainable.accumulate()
            total += share.detach()
        trainable.pull_back()
        assert trainable.vector.grad is not None
        ranks.sum(trainable.vector.grad)
        ranks.sum(total)
        optimizer.step()
        yield Step(index + 1, total)
