"""Outliers are found where they were planted, and matched by others of their kind."""

from __future__ import annotations

import torch

from pipeline.taskspaces.outliers import components, matched, outlying
from pipeline.training.parameters import Span

LAYERS = [
    [Span(f"roberta.encoder.layer.{n}.dense.weight", 10 + 500 * n, 410 + 500 * n),
     Span(f"roberta.encoder.layer.{n}.LayerNorm.weight", 410 + 500 * n, 510 + 500 * n)]
    for n in range(2)
]  # fmt: skip
PLANTED = torch.tensor([12, 100, 415, 911, 950])


def planted() -> torch.Tensor:
    moves = torch.randn(1000, generator=torch.Generator().manual_seed(0)).clamp(-2, 2)
    moves[PLANTED - 10] = 30.0
    return outlying([moves[:500], moves[500:]], LAYERS, 3.0)


def test_planted_moves_are_found_at_their_places() -> None:
    assert torch.equal(planted(), PLANTED)


def test_others_are_of_the_same_parameter_and_magnitude() -> None:
    origin = torch.randn(1010, generator=torch.Generator().manual_seed(1))
    others = matched(origin, LAYERS, PLANTED, torch.Generator().manual_seed(2))
    assert len(others) == 5 and not set(others.tolist()) & set(PLANTED.tolist())
    for span in (span for layer in LAYERS for span in layer):
        ours, theirs = (
            origin[at[(at >= span.start) & (at < span.stop)]].abs().sort().values
            for at in (PLANTED, others)
        )
        assert len(ours) == len(theirs)
        # A twentieth of the entries lies between two of one class.
        share = [(origin[span.start : span.stop].abs() < value).float().mean() for value in ours]
        other = [(origin[span.start : span.stop].abs() < value).float().mean() for value in theirs]
        assert all(abs(a - b) <= 0.05 for a, b in zip(share, other, strict=True))


def test_where_nothing_like_them_is_left_there_are_fewer() -> None:
    origin = torch.arange(1010.0)
    every = torch.arange(410, 510)
    assert len(matched(origin, LAYERS, every, torch.Generator())) == 0


def test_components_are_counted_over_layers() -> None:
    found = {one.name: (one.entries, one.outliers) for one in components(LAYERS, PLANTED)}
    assert found == {"LayerNorm.weight": (200, 3), "dense.weight": (800, 2)}
