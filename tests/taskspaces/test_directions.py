"""The Gram route against a direct SVD, and what it needs of memory."""

from __future__ import annotations

import pytest
import torch

from pipeline.taskspaces import directions
from pipeline.taskspaces.directions import principal_directions


def angle(one: torch.Tensor, other: torch.Tensor) -> float:
    """The sine of the largest angle between two subspaces, each the rows of a matrix."""
    bases = [torch.linalg.qr(rows.double().T)[0] for rows in (one, other)]
    residual = bases[0] - bases[1] @ (bases[1].T @ bases[0])
    return float(torch.linalg.matrix_norm(residual, 2))


def snapshots(t: int, size: int, least: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Rows whose singular values fall from 1 to ``least``."""
    generator = torch.Generator().manual_seed(0)
    left, _ = torch.linalg.qr(torch.randn(t, t, dtype=torch.float64, generator=generator))
    right, _ = torch.linalg.qr(torch.randn(size, t, dtype=torch.float64, generator=generator))
    values = torch.logspace(0, torch.tensor(least).log10(), t, dtype=torch.float64)
    return (left * values @ right.T).to(dtype)


@pytest.mark.parametrize("k", [1, 4, 8])
def test_it_equals_a_direct_svd(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directions, "_WIDTH", 100)
    rows = snapshots(8, 1234, 1e-4)
    _, lengths, right = torch.linalg.svd(rows.double(), full_matrices=False)
    found, values = principal_directions(rows.clone())
    assert angle(found[:k], right[:k]) < 1e-5
    torch.testing.assert_close(values, lengths, rtol=1e-4, atol=0)
    torch.testing.assert_close(found @ found.T, torch.eye(8), atol=1e-5, rtol=0)


def test_one_gram_matrix_alone_would_not_do() -> None:
    """The second pass is what small directions need."""
    rows = snapshots(8, 500, 1e-6, torch.float64)
    values, vectors = torch.linalg.eigh(rows @ rows.T)
    once = (vectors / values.sqrt()).T @ rows
    twice, _ = principal_directions(rows.clone())
    unit = torch.eye(8, dtype=torch.float64)
    assert (once @ once.T - unit).abs().max() > 1e-5
    assert (twice @ twice.T - unit).abs().max() < 1e-9


def test_equal_snapshots_have_one_direction_in_their_own_memory() -> None:
    rows = torch.ones(5, 40)
    place = rows.data_ptr()
    found, _ = principal_directions(rows)
    assert found.shape == (1, 40) and found.data_ptr() == place
    torch.testing.assert_close(found.abs(), torch.full((1, 40), 40**-0.5))
