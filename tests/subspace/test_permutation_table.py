from __future__ import annotations

import pytest
import torch

from pipeline.subspace import fastfood, permutation_table
from pipeline.subspace.fastfood import Fastfood
from pipeline.subspace.permutation_table import TabulatedSigns, permuted_hadamard
from pipeline.subspace.permuted_hadamard import OwnSigns, SharedSigns
from tests.subspace.contract import adjointness_error, apply, gaussian, layer_error, null_columns

SHAPES = [(2, 7), (3, 3), (5, 64), (64, 65), (33, 500), (129, 1130)]


def projection(d: int, size: int) -> Fastfood:
    made = Fastfood(d, size, seed=0, normalisation="entry")
    assert isinstance(made._permuted, TabulatedSigns)
    return made


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation_table, "_BLOCK_LENGTHS", range(2, 2049))
    monkeypatch.setattr(permutation_table, "_BLOCKS_PER_ENTRY", 0)


@pytest.mark.parametrize("n", [2, 4, 64, 2048])
def test_windows_are_the_rows_that_an_index_would_give(n: int) -> None:
    blocks, inner = torch.arange(3, 40), gaussian(n)
    indexed, windowed = SharedSigns(n, n, 0), TabulatedSigns(n, n, 0)
    rows = indexed.rows(indexed.source(inner), blocks, indexed.orders(blocks))
    source = windowed.source(inner)
    assert torch.equal(windowed.rows(source, blocks, windowed.orders(blocks)), rows)
    assert source.untyped_storage().nbytes() == n * n * 8

    sums = [mixing.collector(inner) for mixing in (indexed, windowed)]
    for part in (blocks[:20], blocks[20:]):
        for mixing, collector in zip((indexed, windowed), sums, strict=True):
            collector.add(gaussian(len(part), n), part, mixing.orders(part))
    torch.testing.assert_close(sums[1].take(), sums[0].take(), rtol=1e-12, atol=1e-12)
    assert not sums[1].take().any()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("entries", [128, 1 << 18])
@pytest.mark.parametrize(("d", "size"), SHAPES)
def test_the_contract_holds(
    d: int, size: int, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastfood, "_CHUNK_ENTRIES", entries)
    made = projection(d, size)
    assert adjointness_error(made) < 1e-12
    assert null_columns(made) == 0
    for count in (1, 3):
        assert layer_error(made, count) < 1e-12
    x = gaussian(d)
    torch.testing.assert_close(apply(made, x), made.dense() @ x, rtol=1e-11, atol=1e-11)


@pytest.mark.usefixtures("always")
def test_the_contract_notices_rows_that_are_not_turned_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = projection(33, 500)
    monkeypatch.setattr(
        permutation_table._Sequences, "add",
        lambda self, rows, blocks, orders: self._sums.index_add_(0, orders[0].view(-1), rows),
    )  # fmt: skip
    assert adjointness_error(made) > 1e-3
    assert layer_error(made, 3) > 1e-3


def test_windows_serve_many_short_blocks_with_one_b() -> None:
    million = 1_000_000
    kinds = {
        "RoBERTa-Base, d = 1,000": permuted_hadamard(
            1000, 1024, seed=0, blocks=124 * million // 1024, share_signs=True
        ),
        "with a B a block": permuted_hadamard(
            1000, 1024, seed=0, blocks=124 * million // 1024, share_signs=False
        ),
        "d = 100,000": permuted_hadamard(
            100_000, 1 << 17, seed=0, blocks=124 * million >> 17, share_signs=True
        ),
        "a small model": permuted_hadamard(
            1000, 1024, seed=0, blocks=150_000 // 1024, share_signs=True
        ),
    }
    assert [type(kind) for kind in kinds.values()] == [
        TabulatedSigns, OwnSigns, SharedSigns, SharedSigns,
    ]  # fmt: skip
