"""Several processes that train as one: each has its share of the batches, gradients are summed.

A trainable's gradient is one flat vector, so data parallelism is one all-reduce of it an update:
D numbers in full training, d in a subspace.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from pipeline.errors import UserError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Ranks:
    """This process's number among ``count`` processes, counted from 0."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's part of the items; the parts together are all of them."""
        return items[self.rank :: self.count]

    def sum(self, tensor: torch.Tensor) -> None:
        """Replace the tensor by its sum over the processes, the same bits in each of them."""
        if self.count > 1:
            torch.distributed.all_reduce(tensor)

    def wait(self) -> None:
        """Go on when every process has come here."""
        if self.count > 1:
            torch.distributed.barrier()


ALONE = Ranks()


def spread(module: str) -> None:
    """Start the module over in as many processes as ``PIPELINE_PROCESSES`` says.

    The count is a fact of the machine, so it is no parameter. The present process becomes
    ``torchrun``, with the same environment; in the processes that it starts, and without the
    variable, this does nothing.

    Raises:
        UserError: the variable is not a whole number above 0.
    """
    wanted = os.environ.get("PIPELINE_PROCESSES", "1")
    if not wanted.isdecimal() or int(wanted) < 1:
        raise UserError(f"PIPELINE_PROCESSES is {wanted!r}: say how many processes train together")
    if int(wanted) > 1 and "WORLD_SIZE" not in os.environ:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command = [*torchrun, f"--nproc-per-node={wanted}", "-m", module]
        os.execv(sys.executable, command)


def join(device: torch.device) -> Ranks:
    """Join the processes that ``torchrun`` started, or be alone without it.

    They speak over NCCL on CUDA, over gloo on a CPU.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())


def leave() -> None:
    """Take leave of the other processes, if there are any."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
