"""The first d of a learned basis keep the contract of the random projections, for every d."""

from __future__ import annotations

import pytest
import torch

from pipeline.subspace.layers import layer_groups
from pipeline.subspace.nested import Group, NestedBasis
from pipeline.training.parameters import Span
from tests.subspace.contract import adjointness_error, apply, gaussian, null_columns, pull

SPANS = [
    Span("embeddings.word", 0, 20), Span("layer.0.a", 20, 50), Span("layer.1.a", 50, 90),
    Span("layer.0.b", 90, 100), Span("classifier", 100, 103),
]  # fmt: skip


def basis() -> NestedBasis:
    groups = []
    for number, spans in enumerate(layer_groups(SPANS, "block")):
        size = sum(span.stop - span.start for span in spans)
        rank = min(4, size)
        rows = torch.linalg.qr(gaussian(size, rank, seed=number))[0].T
        groups.append(Group(spans, rows))
    return NestedBasis(groups)


@pytest.mark.parametrize("d", [1, 2, 4, 5, 14, 15])
def test_contract(d: int) -> None:
    projection = basis().first(d)
    assert adjointness_error(projection) < 1e-12 and null_columns(projection) == 0
    matrix = projection.dense()
    torch.testing.assert_close(apply(projection, gaussian(d)), matrix @ gaussian(d))
    torch.testing.assert_close(pull(projection, gaussian(103)), matrix.T @ gaussian(103))


def test_coordinates_are_the_first_directions_of_all_groups_then_the_second() -> None:
    made = basis()
    assert made.size == 15 and made.order()[:5] == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    columns = made.first(6).dense()
    # The first two groups have two directions each, the others one.
    norms = columns.square().sum(0)
    torch.testing.assert_close(
        norms, torch.tensor([10.0, 20.0, 40.0, 3.0, 10.0, 20.0], dtype=torch.float64)
    )
    assert torch.equal(columns[:20, 0] != 0, torch.ones(20, dtype=torch.bool))
    assert not columns[20:, 0].any()


def test_entries_move_as_far_as_coordinates() -> None:
    projection = basis().first(15)
    theta = gaussian(2000, 15, seed=9)
    image = torch.stack([apply(projection, one) for one in theta])
    assert float(image.square().mean()) == pytest.approx(1.0, abs=0.05)
