"""The principal directions of a layer's snapshots, through their t × t Gram matrix (Z23)."""

from __future__ import annotations

import torch

# Entries of a snapshot that are multiplied at a time, in double precision.
_WIDTH = 1 << 17
# Directions shorter than this part of the longest are rounding.
_LEAST = 1e-7


def principal_directions(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The right singular vectors of ``rows`` (t, D) and their singular values, largest first.

    ``rows`` is overwritten, so that no second matrix of its size is needed. A Gram matrix squares
    the ratio of singular values; so the directions that it gives are refined by a second one, as
    in CholeskyQR2: with W = L·Q for the rows Q of the first pass, the singular vectors of W follow
    from the small matrix L and the Gram matrix of Q, which is nearly the identity.

    Returns:
        V (r, D), orthonormal rows in the dtype of ``rows`` and in its memory, and their singular
        values (r,) in double precision; r ≤ t is the rank.
    """
    left = torch.eye(len(rows), dtype=torch.float64, device=rows.device)
    lengths = left.new_zeros(0)
    for _ in range(2):
        values, vectors = torch.linalg.eigh(_gram(rows))
        roots = values.clamp(min=0).sqrt()
        kept = roots > _LEAST * roots.max()
        roots, vectors = roots[kept], vectors[:, kept]
        u, lengths, vt = torch.linalg.svd(left @ (vectors * roots), full_matrices=False)
        rows = _mixed(rows, vt @ (vectors / roots).T)
        left = u * lengths
    return rows, lengths


def _gram(rows: torch.Tensor) -> torch.Tensor:
    """(t, t) inner products."""
    gram = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for start in range(0, rows.shape[1], _WIDTH):
        part = rows[:, start : start + _WIDTH].double()
        gram.addmm_(part, part.T)
    return gram


def _mixed(rows: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """``by`` (r, t) times ``rows`` (t, D), written over the first r rows."""
    for start in range(0, rows.shape[1], _WIDTH):
        part = rows[:, start : start + _WIDTH]
        part[: len(by)] = (by @ part.double()).to(rows.dtype)
    return rows[: len(by)]
