"""A subspace a layer: weights, gradients and the second learning rate, on a model of few weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pipeline.subspace.basis import Basis
from pipeline.subspace.layered import LayeredSubspace, LayerMap
from pipeline.subspace.layers import numbered_blocks
from pipeline.training.optimizers import AdamW
from pipeline.training.parameters import FlatParameters


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embeddings = nn.Linear(2, 3)
        self.layer = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
        self.classifier = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embeddings(x)
        for layer in self.layer:
            x = torch.tanh(layer(x))
        out: torch.Tensor = self.classifier(x)
        return out


def opened(d: int = 2, step: float = 3.0, start: torch.Tensor | None = None):
    model = Small().double()
    flat = FlatParameters(model)
    generator = torch.Generator().manual_seed(1)
    rows = [torch.randn(d, 12, dtype=torch.float64, generator=generator) for _ in range(2)]
    blocks = numbered_blocks(flat.spans)
    maps = [LayerMap(block, Basis(v)) for block, v in zip(blocks, rows, strict=True)]
    return model, flat, rows, LayeredSubspace(flat, maps, step, start)


def test_blocks_are_the_numbered_ones() -> None:
    flat = FlatParameters(Small())
    names = [[span.name for span in block] for block in numbered_blocks(flat.spans)]
    assert names == [[f"layer.{n}.weight", f"layer.{n}.bias"] for n in (0, 1)]


def test_it_starts_at_the_weights_and_moves_them_along_the_directions() -> None:
    _, flat, rows, subspace = opened()
    origin = flat.values.clone()
    subspace.materialize()
    assert torch.equal(flat.values, origin)
    subspace.vector[:4] = torch.tensor([1.0, 0.0, 0.0, -2.0])
    subspace.vector[-1] = 7.0
    subspace.materialize()
    moved = flat.values - origin
    torch.testing.assert_close(moved[9:21], 3 * rows[0][0])
    torch.testing.assert_close(moved[21:33], -6 * rows[1][1])
    assert flat.values[-1] == 7 and (moved[:9] == 0).all()


def test_the_gradient_is_that_of_finite_differences() -> None:
    model, _, _, subspace = opened(start=torch.tensor([0.1, 0.2, -0.1, 0.3]))
    x = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def loss() -> torch.Tensor:
        subspace.materialize()
        return model(x).square().sum()

    subspace.zero_grad()
    loss().backward()
    subspace.pull_back()
    found = subspace.vector.grad.clone()
    with torch.no_grad():
        for place in (0, 3, 4, len(found) - 1):
            ends = []
            for sign in (1, -1):
                subspace.vector[place] += sign * 1e-6
                ends.append(float(loss()))
                subspace.vector[place] -= sign * 1e-6
            assert float(found[place]) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


def test_under_adam_coordinates_have_their_own_learning_rate() -> None:
    model, flat, rows, subspace = opened(step=50.0)
    origin = flat.values.clone()
    optimizer = AdamW(weight_decay=0.0, eps=1e-12).make(subspace.vector)
    optimizer.param_groups[0]["lr"] = 1e-3
    subspace.zero_grad()
    model(torch.ones(1, 2, dtype=torch.float64)).sum().backward()
    subspace.pull_back()
    optimizer.step()
    subspace.materialize()
    moved = flat.values - origin
    theta = torch.linalg.lstsq(rows[0].T, moved[9:21, None]).solution
    torch.testing.assert_close(theta.abs(), torch.full((2, 1), 0.05, dtype=torch.float64))
    assert float(moved[-1].abs()) == pytest.approx(1e-3)


def test_a_frozen_layer_stays() -> None:
    _, flat, _, _ = opened()
    maps = [LayerMap(block, None) for block in numbered_blocks(flat.spans)]
    frozen = LayeredSubspace(flat, maps, 1.0)
    assert frozen.coordinates == 0 and len(frozen.vector) == flat.size - 24
    origin = flat.values.clone()
    frozen.vector += 1
    frozen.materialize()
    assert torch.equal(flat.values[9:33], origin[9:33]) and not torch.equal(flat.values, origin)
