"""The first half of Fastfood: σHB, which spreads θ^d over the n entries of a block.

Legend: n the block length, c blocks at a time, B the signs, H the Hadamard matrix (not normalised),
σ one permutation for all blocks.

σ, and B where it is one for all blocks, are kept while they are short: small models make them anew
at every update otherwise, which takes longer than using them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable

import torch

from pipeline.subspace import counter
from pipeline.subspace.hadamard import walsh_hadamard

# Up to 3 MB of them.
_LONGEST_KEPT = 1 << 18


class Mixer(ABC):
    """θ^d → ``inner`` → the rows σHB_kθ of some blocks; and the adjoints of both steps.

    ``width`` is the length of ``inner``. The first step is taken once for all blocks.
    """

    width: int

    def __init__(self, d: int, n: int, seed: int) -> None:
        self._d, self._n = d, n
        self._signs = counter.key(seed, "fastfood", "B")
        self._order = counter.key(seed, "fastfood", "σ")
        self._kept: dict[Hashable, torch.Tensor] = {}

    @abstractmethod
    def begin(self, theta: torch.Tensor) -> torch.Tensor:
        """``inner`` (width,) of θ^d (d,)."""

    @abstractmethod
    def rows(self, inner: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
        """The rows (c, n) of the blocks numbered ``blocks`` (c,)."""

    @abstractmethod
    def collect(self, rows: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
        """The adjoint of `rows`: (c, n) → (width,)."""

    @abstractmethod
    def end(self, total: torch.Tensor) -> torch.Tensor:
        """The adjoint of `begin`: (width,) → a new (d,)."""

    def _spread(self, theta: torch.Tensor, diagonal: torch.Tensor) -> torch.Tensor:
        """σHBθ for each row of ``diagonal`` (c, d): (c, n)."""
        padded = theta.new_zeros(len(diagonal), self._n)
        padded[:, : self._d] = theta * diagonal
        return walsh_hadamard(padded).index_select(1, self._permutation(theta.device))

    def _gather(self, rows: torch.Tensor, diagonal: torch.Tensor) -> torch.Tensor:
        """The adjoint of `_spread`, summed over the rows: (d,)."""
        order = self._permutation(rows.device)
        theta = walsh_hadamard(torch.empty_like(rows).index_copy_(1, order, rows))
        return (theta[:, : self._d] * diagonal).sum(0)

    def _diagonal(self, blocks: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """B_k (c, d)."""
        index = blocks.unsqueeze(1) * self._d + torch.arange(self._d, device=like.device)
        return counter.signs(self._signs, index, like.dtype)

    def _permutation(self, device: torch.device) -> torch.Tensor:
        """σ (n,)."""
        return self._remember(
            ("σ", device), lambda: counter.permutation(self._order, self._n, device)
        )

    def _remember(self, key: Hashable, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        """What ``make`` makes, kept where a block is short."""
        if (known := self._kept.get(key)) is not None:
            return known
        made = make()
        if self._n <= _LONGEST_KEPT:
            self._kept[key] = made
        return made


class SharedSigns(Mixer):
    """One B: ``inner`` is σHBθ (n,), which is every block's row."""

    def __init__(self, d: int, n: int, seed: int) -> None:
        super().__init__(d, n, seed)
        self.width = n

    def begin(self, theta: torch.Tensor) -> torch.Tensor:
        """See `Mixer.begin`."""
        return self._spread(theta, self._one(theta)).view(-1)

    def rows(self, inner: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
        """See `Mixer.rows`."""
        return inner.expand(len(blocks), self._n)

    def collect(self, rows: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
        """See `Mixer.collect`."""
        return rows.sum(0)

    def end(self, total: torch.Tensor) -> torch.Tensor:
        """See `Mixer.end`."""
        return self._gather(total.unsqueeze(0), self._one(total))

    def _one(self, like: torch.Tensor) -> torch.Tensor:
        return self._remember(
            ("B", like.device, like.dtype),
            lambda: self._diagonal(torch.zeros(1, dtype=torch.int64, device=like.device), like),
        )


class OwnSigns(Mixer):
    """A B for each block: ``inner`` is θ^d itself."""

    def __init__(self, d: int, n: int, seed: int) -> None:
        super().__init__(d, n, seed)
        self.width = d

    def begin(self, theta: torch.Tensor) -> torch.Tensor:
        """See `Mixer.begin`."""
        return theta

    def rows(self, inner: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
        """See `Mixer.rows`."""
        return self._spread(inner, self._diagonal(blocks, inner))

    def collect(self, rows: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
        """See `Mixer.collect`."""
        return self._gather(rows, self._diagonal(blocks, rows))

    def end(self, total: torch.Tensor) -> torch.Tensor:
        """See `Mixer.end`."""
        return total.clone()
