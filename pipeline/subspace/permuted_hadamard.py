"""The first half of Fastfood: Π_k H B_k, which spreads θ^d over the n entries of a block.

Legend: n the block length, c blocks at a time, B the signs, H the Hadamard matrix (not normalised);
Π_k takes entry i from σ(τ_k(i)), where σ is one permutation for all blocks and τ_k(i) = (a_k·i +
c_k) mod n is the block's own.

σ, and B where it is one for all blocks, are kept unless they are very long: making them takes
far longer than using them, at every update (benchmarks/RESULTS.md, "The subspace engine").
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable

import torch

from pipeline.subspace import counter
from pipeline.subspace.hadamard import walsh_hadamard

# 16 bytes an entry: 64 MB at d = 4 M, the end of A21's grid, and never more than 270 MB.
_LONGEST_KEPT = 1 << 24

# What makes the τ_k of some blocks: two int32 (c, 1).
Orders = tuple[torch.Tensor, torch.Tensor]


class Collector(ABC):
    """The sum of the adjoints of `PermutedHadamard.rows` over blocks, chunk after chunk."""

    @abstractmethod
    def add(self, rows: torch.Tensor, blocks: torch.Tensor, orders: Orders) -> None:
        """Take the rows (c, n) of the blocks numbered ``blocks`` (c,)."""

    @abstractmethod
    def take(self) -> torch.Tensor:
        """The sum (width,) since the last time."""


class PermutedHadamard(ABC):
    """θ^d → ``inner`` → the rows Π_k H B_k θ of some blocks; and the adjoints of both steps.

    ``width`` is the length of ``inner``, ``permutation_stream`` what the τ_k are
    drawn from. The first step is taken once for all blocks.
    """

    width: int

    def __init__(self, d: int, n: int, seed: int) -> None:
        self._d, self._n = d, n
        self._signs = counter.key(seed, "fastfood", "B")
        self._order = counter.key(seed, "fastfood", "σ")
        self.permutation_stream = counter.key(seed, "fastfood", "Π")
        self._kept: dict[Hashable, torch.Tensor] = {}

    @abstractmethod
    def begin(self, theta: torch.Tensor) -> torch.Tensor:
        """``inner`` (width,) of θ^d (d,)."""

    def source(self, inner: torch.Tensor) -> torch.Tensor:
        """What `rows` reads, made from ``inner`` once for all blocks."""
        return inner

    @abstractmethod
    def rows(self, source: torch.Tensor, blocks: torch.Tensor, orders: Orders) -> torch.Tensor:
        """The rows (c, n) of the blocks numbered ``blocks`` (c,)."""

    @abstractmethod
    def collector(self, inner: torch.Tensor) -> Collector:
        """The adjoint of `rows`, with numbers like ``inner``'s."""

    @abstractmethod
    def end(self, total: torch.Tensor) -> torch.Tensor:
        """The adjoint of `begin`: (width,) → a new (d,)."""

    def orders(self, blocks: torch.Tensor) -> Orders:
        """What makes τ_k for the blocks numbered ``blocks`` (c,)."""
        factor, offset = counter.affine(self.permutation_stream, blocks, self._n)
        return factor.to(torch.int32).unsqueeze(1), offset.to(torch.int32).unsqueeze(1)

    def places(self, orders: Orders) -> torch.Tensor:
        """τ_k(i), int64 (c, n)."""
        factor, offset = orders
        # Products of 32-bit numbers wrap around, which a remainder modulo 2^k does not notice.
        index = self._remember(
            ("i", factor.device),
            lambda: torch.arange(self._n, dtype=torch.int32, device=factor.device),
        )
        return torch.mul(factor, index).add_(offset).bitwise_and_(self._n - 1).long()

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
        """What ``make`` makes, kept unless a block is very long."""
        if (known := self._kept.get(key)) is not None:
            return known
        made = make()
        if self._n <= _LONGEST_KEPT:
            self._kept[key] = made
        return made


class SharedSigns(PermutedHadamard):
    """One B: ``inner`` is σHBθ (n,), which is every block's row."""

    def __init__(self, d: int, n: int, seed: int) -> None:
        super().__init__(d, n, seed)
        self.width = n

    def begin(self, theta: torch.Tensor) -> torch.Tensor:
        """See `PermutedHadamard.begin`."""
        return self._spread(theta, self._one(theta)).view(-1)

    def rows(self, source: torch.Tensor, blocks: torch.Tensor, orders: Orders) -> torch.Tensor:
        """See `PermutedHadamard.rows`."""
        return torch.gather(source.expand(len(blocks), self._n), 1, self.places(orders))

    def collector(self, inner: torch.Tensor) -> Collector:
        """See `PermutedHadamard.collector`."""
        return _Summed(self, inner, lambda rows, blocks: rows.sum(0))

    def end(self, total: torch.Tensor) -> torch.Tensor:
        """See `PermutedHadamard.end`."""
        return self._gather(total.unsqueeze(0), self._one(total))

    def _one(self, like: torch.Tensor) -> torch.Tensor:
        return self._remember(
            ("B", like.device, like.dtype),
            lambda: self._diagonal(torch.zeros(1, dtype=torch.int64, device=like.device), like),
        )


class OwnSigns(PermutedHadamard):
    """A B for each block: ``inner`` is θ^d itself."""

    def __init__(self, d: int, n: int, seed: int) -> None:
        super().__init__(d, n, seed)
        self.width = d

    def begin(self, theta: torch.Tensor) -> torch.Tensor:
        """See `PermutedHadamard.begin`."""
        return theta

    def rows(self, source: torch.Tensor, blocks: torch.Tensor, orders: Orders) -> torch.Tensor:
        """See `PermutedHadamard.rows`."""
        spread = self._spread(source, self._diagonal(blocks, source))
        return torch.gather(spread, 1, self.places(orders))

    def collector(self, inner: torch.Tensor) -> Collector:
        """See `PermutedHadamard.collector`."""
        return _Summed(
            self, inner, lambda rows, blocks: self._gather(rows, self._diagonal(blocks, rows))
        )

    def end(self, total: torch.Tensor) -> torch.Tensor:
        """See `PermutedHadamard.end`."""
        return total.clone()


class _Summed(Collector):
    """Rows brought back into the common order and summed by ``reduce``: (c, n), (c,) → (width,)."""

    def __init__(
        self,
        owner: PermutedHadamard,
        like: torch.Tensor,
        reduce: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    ) -> None:
        self._permuted = owner
        self._reduce = reduce
        self._total = torch.zeros_like(like)

    def add(self, rows: torch.Tensor, blocks: torch.Tensor, orders: Orders) -> None:
        """See `Collector.add`."""
        ordered = torch.empty_like(rows).scatter_(1, self._permuted.places(orders), rows)
        self._total += self._reduce(ordered, blocks)

    def take(self) -> torch.Tensor:
        """See `Collector.take`."""
        total, self._total = self._total, torch.zeros_like(self._total)
        return total
