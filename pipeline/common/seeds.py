"""All randomness comes from (seed, names): the same names give the same numbers everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive(seed: int, *names: str | int) -> int:
    """Return the 64-bit seed that belongs to ``(seed, names)``.

    Each name goes into the hash with its type and length, so ``("a", "b")``, ``("ab",)`` and
    ``("1",)`` against ``(1,)`` are all different streams.
    """
    digest = hashlib.sha256()
    for part in (seed, *names):
        text = str(part).encode()
        digest.update(f"{type(part).__name__}:{len(text)}:".encode() + text)
    return int.from_bytes(digest.digest()[:8], "little")


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator (Philox, counter-based) of its own for ``(seed, names)``."""
    return np.random.Generator(np.random.Philox(derive(seed, *names)))


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """A CPU torch generator of its own for ``(seed, names)``."""
    import torch

    return torch.Generator().manual_seed(_signed(derive(seed, *names)))


def seed_dropout(seed: int, *names: str | int) -> None:
    """Seed torch's global generators, which dropout kernels cannot do without.

    Called once a training step with the step among the names, so that dropout masks depend on
    nothing that went before and a resumed run sees the masks of an uninterrupted one. The CPU's
    generator and those of CUDA where it is in use get the seed; ``torch.manual_seed`` would leave a
    note, with a stack trace, for every kind of device that is not, 7 % of a small model's update.
    """
    import torch

    own = _signed(derive(seed, *names))
    torch.default_generator.manual_seed(own)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(own)


@contextmanager
def isolated(seed: int, *names: str | int) -> Iterator[None]:
    """Run code that insists on torch's global generator (initialisation) from ``(seed, names)``.

    The global state is put back afterwards, so nothing outside can tell that the block ran.
    """
    import torch

    with torch.random.fork_rng():
        seed_dropout(seed, *names)
        yield


def _signed(value: int) -> int:
    """Map an unsigned 64-bit seed onto the signed range that ``manual_seed`` takes."""
    return value - (1 << 64) if value >= 1 << 63 else value
