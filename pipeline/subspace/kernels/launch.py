"""How the kernels are launched: grids, tiles, and sums in two stages, so in a fixed order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from pipeline.subspace import counter
from pipeline.subspace.kernels import Draws, block, layers_in_tile, passes
from pipeline.subspace.layers import Layers, LayerScales

# Entries of a tile: 32 for each thread of a program. Shorter blocks share one.
_SHORT_TILE = 1 << 12
_LONG_TILE = 1 << 14
_ENTRIES_A_WARP = 32 * 32
# Partial sums of the adjoint of ``inner``, in entries: 8 MiB in single precision.
_TOTALS = 1 << 21
_MOST_PROGRAMS = 1 << 10
# The array between the passes, in entries: it should stay in a GPU's second-level cache.
_WORK = 1 << 23
_ADD_WIDTH = 1 << 10


@dataclass(frozen=True)
class _Runs:
    """How layers cut the tiles (`pipeline.subspace.kernels.layers_in_tile`), on the device."""

    first: torch.Tensor
    stop: torch.Tensor
    offsets: torch.Tensor
    starts: torch.Tensor
    owners: torch.Tensor
    share_owners: torch.Tensor

    @classmethod
    def of(cls, layers: Layers, kernels: Fused) -> _Runs:
        """Cut the tiles of some kernels; entries beyond D count to the last run."""
        size, device = kernels.size, kernels.device
        runs = layers.within(0, size)
        starts = torch.tensor([run.start for run in runs])
        owners = torch.tensor([run.layer for run in runs], dtype=torch.int32)
        edges = torch.arange(kernels.tiles + 1) * kernels.tile
        first = torch.searchsorted(starts, edges[:-1], right=True) - 1
        stop = torch.maximum(torch.searchsorted(starts, edges[1:]), first + 1)
        counts = stop - first
        offsets = counts.cumsum(0) - counts
        of_share = torch.arange(int(counts.sum())) - (offsets - first).repeat_interleave(counts)
        starts = torch.cat([starts, torch.tensor([size])])
        return cls(
            first=first.to(device, torch.int32),
            stop=stop.to(device, torch.int32),
            offsets=offsets.to(device, torch.int32),
            starts=starts.to(device),
            owners=owners.to(device),
            share_owners=owners[of_share].to(device),
        )


class Fused(ABC):
    """The kernels for one projection on one device.

    Args:
        device: where everything lies.
        n: the block length.
        size: D.
        draws: the random streams.
    """

    tile: int

    def __init__(self, device: torch.device, *, n: int, size: int, draws: Draws) -> None:
        self._n, self.size, self.device = n, size, device
        self._blocks = -(-size // n)
        self._keys = tuple(
            torch.tensor(words).to(device, torch.int32) for words in (draws.order, draws.diagonal)
        )
        self._quantiles = counter.lower_quantiles(device)
        self._normal = draws.normal
        self._cut: dict[Layers, _Runs] = {}

    @property
    def tiles(self) -> int:
        """How many tiles there are; the last ones may lie beyond D."""
        return -(-self._blocks * self._n // self.tile)

    @property
    def warps(self) -> int:
        """Warps of a program."""
        return max(1, self.tile // _ENTRIES_A_WARP)

    def displace(
        self,
        origin: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        out: torch.Tensor,
    ) -> None:
        """Write θ₀ + λ·Pθ into ``out`` (D,), formed in the dtype of ``inner`` = σHBθ (n,)."""
        with torch.cuda.device_of(origin):
            self._displace(origin, inner, scales, out)

    def pull_back(
        self,
        gradient: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        by_scale: torch.Tensor,
    ) -> torch.Tensor:
        """Return the gradient of ``inner`` (n,), and write that of λ into ``by_scale`` (m,)."""
        runs = self._runs(scales.layers)
        shares = inner.new_empty(len(runs.share_owners))
        with torch.cuda.device_of(gradient):
            totals = self._pull_back(gradient, inner, scales, shares)
            layers_in_tile.add_up[len(by_scale),](
                shares, runs.share_owners, len(shares), by_scale, WIDTH=_ADD_WIDTH
            )
        return totals.sum(0)

    @abstractmethod
    def _displace(
        self,
        origin: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        out: torch.Tensor,
    ) -> None: ...

    @abstractmethod
    def _pull_back(
        self,
        gradient: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        shares: torch.Tensor,
    ) -> torch.Tensor:
        """Partial sums (parts, n) of the gradient of ``inner``; ⟨g, Pθ⟩ by run to ``shares``."""

    def _runs(self, layers: Layers) -> _Runs:
        if layers not in self._cut:
            self._cut[layers] = _Runs.of(layers, self)
        return self._cut[layers]


class BlockKernels(Fused):
    """One pass: a tile is one block, or several short ones."""

    def __init__(self, device: torch.device, *, n: int, size: int, draws: Draws) -> None:
        self.tile = max(n, _SHORT_TILE)
        super().__init__(device, n=n, size=size, draws=draws)
        self._shape = {
            "NORMAL": self._normal,
            "ROWS": self.tile // n,
            "LENGTH": n,
            "num_warps": self.warps,
        }

    def _displace(
        self,
        origin: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        out: torch.Tensor,
    ) -> None:
        runs = self._runs(scales.layers)
        block.displace[self.tiles,](
            origin, inner, out, self.size, *self._keys, self._quantiles,
            runs.first, runs.stop, runs.starts, runs.owners, scales.values, **self._shape,
        )  # fmt: skip

    def _pull_back(
        self,
        gradient: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        shares: torch.Tensor,
    ) -> torch.Tensor:
        runs = self._runs(scales.layers)
        programs = min(self.tiles, max(1, _TOTALS // self._n), _MOST_PROGRAMS)
        totals = inner.new_empty(programs, self._n)
        block.pull_back[programs,](
            gradient, inner, totals, shares, self.size, self.tiles, *self._keys, self._quantiles,
            runs.first, runs.stop, runs.offsets, runs.starts, runs.owners, scales.values,
            **self._shape,
        )  # fmt: skip
        return totals


class PassKernels(Fused):
    """Several passes over some blocks at a time, through one work array."""

    tile = _LONG_TILE

    def __init__(self, device: torch.device, *, n: int, size: int, draws: Draws) -> None:
        super().__init__(device, n=n, size=size, draws=draws)
        high = 1 << (n.bit_length() - 1) // 2
        low = n // high
        self._columns = self.tile // high
        self._rows = self.tile // low
        common = {"HIGH": high, "LOW": low, "num_warps": self.warps}
        self._by_column = {**common, "COLUMNS": self._columns, "NORMAL": self._normal}
        self._by_row = {**common, "ROWS": self._rows}
        self._together = max(1, _WORK // n)

    def _displace(
        self,
        origin: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        out: torch.Tensor,
    ) -> None:
        runs, work = self._runs(scales.layers), self._work(inner)
        for begun, count in self._groups():
            self._mix(inner, work, begun, count)
            passes.displace_rows[self._n // self.tile, count](
                origin, work, out, self.size, begun, self._keys[0],
                runs.first, runs.stop, runs.starts, runs.owners, scales.values, **self._by_row,
            )  # fmt: skip

    def _pull_back(
        self,
        gradient: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        shares: torch.Tensor,
    ) -> torch.Tensor:
        runs, work = self._runs(scales.layers), self._work(inner)
        totals = inner.new_zeros(min(len(work), max(1, _TOTALS // self._n)), self._n)
        for begun, count in self._groups():
            self._mix(inner, work, begun, count)
            passes.pull_rows[self._n // self.tile, count](
                gradient, work, shares, self.size, begun, self._keys[0],
                runs.first, runs.stop, runs.offsets, runs.starts, runs.owners, scales.values,
                **self._by_row,
            )  # fmt: skip
            passes.collect_columns[self._n // self.tile, min(count, len(totals))](
                work, totals, begun, count, *self._keys, self._quantiles, **self._by_column
            )
        return totals

    def _mix(self, inner: torch.Tensor, work: torch.Tensor, begun: int, count: int) -> None:
        passes.mix_columns[self._n // self.tile, count](
            inner, work, begun, *self._keys, self._quantiles, **self._by_column
        )

    def _work(self, like: torch.Tensor) -> torch.Tensor:
        return like.new_empty(min(self._together, self._blocks), self._n)

    def _groups(self) -> list[tuple[int, int]]:
        """First block and number of blocks that share the work array."""
        return [
            (begun, min(self._together, self._blocks - begun))
            for begun in range(0, self._blocks, self._together)
        ]


KINDS: dict[str, type[Fused]] = {"block": BlockKernels, "passes": PassKernels}
