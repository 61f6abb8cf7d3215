"""A learned basis keeps the contract of the random projections."""

from __future__ import annotations

import pytest
import torch

from pipeline.subspace import basis
from pipeline.subspace.basis import Basis
from tests.subspace.contract import (
    adjointness_error,
    apply,
    gaussian,
    layer_error,
    leans_on_the_global_generator,
    null_columns,
    pull,
)


@pytest.mark.parametrize("tile", [1 << 20, 60])
@pytest.mark.parametrize(("d", "size"), [(1, 1), (1, 7), (3, 3), (5, 64), (33, 500)])
def test_contract(d: int, size: int, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basis, "_TILE_ENTRIES", tile)
    rows = gaussian(d, size, seed=3)
    made = Basis(rows)
    assert adjointness_error(made) < 1e-12 and null_columns(made) == 0
    assert not leans_on_the_global_generator(made)
    torch.testing.assert_close(apply(made, gaussian(d)), rows.T @ gaussian(d))
    torch.testing.assert_close(pull(made, gaussian(size)), rows @ gaussian(size))
    assert layer_error(made, min(3, size)) < 1e-12


def test_half_precision_rows_are_multiplied_in_the_callers() -> None:
    rows = gaussian(2, 9).half()
    theta = torch.tensor([1.0, -2.0])
    assert torch.equal(apply(Basis(rows), theta), theta @ rows.float())
