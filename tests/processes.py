"""Running a test's function in several processes, as torchrun would start them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch


def together(worker: Callable[..., None], count: int, folder: Path, *arguments: object) -> None:
    """Call ``worker(rank, folder, *arguments)`` in ``count`` processes that can find each other."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    torch.multiprocessing.spawn(_start, (worker, count, store.port, folder, arguments), count)


def _start(
    rank: int,
    worker: Callable[..., None],
    count: int,
    port: int,
    folder: Path,
    arguments: tuple[object, ...],
) -> None:
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the parent holds the store, as torchrun does
        "RANK": str(rank),
        "WORLD_SIZE": str(count),
    }
    torch.set_num_threads(1)
    worker(rank, folder, *arguments)
