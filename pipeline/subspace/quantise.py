"""A vector of numbers as k levels: the description that compression bounds count (method §7)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pipeline.errors import UserError

_ROUNDS = 50
_MOST_LEVELS = 256


@dataclass(frozen=True)
class Quantised:
    """Each number's level: ``codes`` (d,) uint8 into ``codebook`` (k,) float16, ascending."""

    codes: torch.Tensor
    codebook: torch.Tensor

    def values(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The numbers that the levels stand for (d,)."""
        return torch.take(self.codebook.to(dtype), self.codes.to(torch.int64))


def quantise(vector: torch.Tensor, levels: int) -> Quantised:
    """Represent a vector (d,) by at most ``levels`` levels with small squared error.

    Lloyd's algorithm from the vector's quantiles; nothing is random. Levels that no number takes
    are left out, so the codebook may be shorter than asked for.

    Raises:
        UserError: ``levels`` is not from 1 to 256, or the vector is not finite in half precision.
    """
    if not 1 <= levels <= _MOST_LEVELS:
        raise UserError(f"levels is {levels}, but must be 1 … {_MOST_LEVELS}")
    values = vector.detach().to("cpu", torch.float64)
    if not bool(values.half().isfinite().all()):
        raise UserError("the vector cannot be quantised: it has numbers beyond half precision")
    ordered = values.sort().values
    places = (torch.arange(levels) + 0.5) / levels * len(ordered)
    centres = ordered[places.long()].unique()
    for _ in range(_ROUNDS):
        codes = _nearest(values, centres)
        count = torch.bincount(codes, minlength=len(centres))
        total = torch.zeros_like(centres).index_add_(0, codes, values)
        moved = (total[count > 0] / count[count > 0]).unique()
        if torch.equal(moved, centres):
            break
        centres = moved
    codebook = centres.half().unique()
    codes = _nearest(values, codebook.double())
    used, codes = codes.unique(return_inverse=True)
    return Quantised(codes.to(torch.uint8), codebook[used])


def _nearest(values: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Index of the nearest of the ascending centres."""
    return torch.bucketize(values, (centres[1:] + centres[:-1]) / 2)
