"""A SAID step under autocast, with bfloat16 parameters, and of a compiled model."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from pipeline.common.seeds import torch_generator
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.optimizer import SubspaceOptimizer
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import FlatParameters

GRID = (6, 13, 20, 45, 100)
PROJECTIONS = ("fastfood", "fastfood_whole", "dense", "sparse")


def network(width: int = 24) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, width), nn.Tanh(), nn.Linear(width, 3))


def autocast(on: bool) -> torch.autocast | nullcontext:
    return torch.autocast("cpu", torch.bfloat16) if on else nullcontext()


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_autocast_does_not_touch_the_projection(projection: str) -> None:
    """Its matrix products would be rounded to eight bits, and P be no linear map any more."""
    results = []
    for on in (False, True):
        flat = FlatParameters(network())
        subspace = Subspace(flat, SubspaceConfig(projection=projection), 60, 0)
        subspace.vector += 0.1
        flat.grads.normal_(generator=torch.Generator().manual_seed(1))
        with autocast(on):
            subspace.materialize()
            subspace.pull_back()
        results.append(torch.cat([flat.values, subspace.vector.grad]))
    assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("projection", PROJECTIONS)
def test_narrow_weights_are_formed_in_single_precision_and_rounded_once(
    projection: str, dtype: torch.dtype
) -> None:
    config = SubspaceConfig(projection=projection, method="did")
    narrow, wide = network().to(dtype), network()
    flats = FlatParameters(narrow), FlatParameters(wide)
    flats[1].values.copy_(flats[0].values)
    origin = flats[1].values.clone()
    move = torch.empty_like(origin)
    for flat in flats:
        subspace = Subspace(flat, config, 60, 0)
        subspace.vector += 0.05 * torch.randn(60, generator=torch.Generator().manual_seed(1))
        subspace.materialize()
    subspace.projection.forward(subspace.vector, move)
    assert torch.equal(flats[0].values, (origin + move).to(dtype))
    twice = origin.to(dtype) + move.to(dtype)
    assert not torch.equal(flats[0].values, twice)


def test_steps_below_the_weights_resolution_are_not_lost() -> None:
    """256 steps of 2⁻¹² move a bfloat16 weight of 1, though one of them would round to nothing."""
    model = nn.Linear(1, 1, bias=False).bfloat16()
    nn.init.ones_(model.weight)
    optimizer = SubspaceOptimizer(
        model, 1, lr=2**-12, config=SubspaceConfig(method="did", projection="dense")
    )
    for _ in range(256):
        model.weight.sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    scale = optimizer.subspace.projection.dense().abs().item()
    assert model.weight.item() == pytest.approx(1 - scale / 16, abs=2**-8)
    assert model.weight.item() != 1


def rows(count: int, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of three classes, told apart by two directions of twelve."""
    inputs = torch.randn(count, 12, generator=torch_generator(0, name))
    return inputs, (inputs[:, 0] > 0).long() + (inputs[:, 0] + inputs[:, 1] > 0).long()


def accuracy(d: int, how: str, seed: int) -> float:
    """Evaluation accuracy after training d numbers in single precision, autocast or bfloat16."""
    model = network().bfloat16() if how == "bf16" else network()
    dtype = next(model.parameters()).dtype
    optimizer = SubspaceOptimizer(model, d, lr=0.03, seed=seed)
    inputs, labels = rows(512, "training")
    for index in range(40):
        batch = slice(64 * (index % 8), 64 * (index % 8) + 64)
        with autocast(how == "autocast"):
            logits = model(inputs[batch].to(dtype))
        nn.functional.cross_entropy(logits.float(), labels[batch]).backward()
        optimizer.step()
        optimizer.zero_grad()
    inputs, labels = rows(2000, "evaluation")
    return float((model(inputs.to(dtype)).argmax(1) == labels).float().mean())


@pytest.fixture(scope="module")
def exact() -> list[float]:
    return curve("single")


def curve(how: str) -> list[float]:
    return [accuracy(d, how, seed) for seed in range(2) for d in GRID]


def d90(accuracies: list[float], target: float = 0.68) -> list[int]:
    """The smallest d of the grid that reaches the target, for each seed."""
    halves = accuracies[: len(GRID)], accuracies[len(GRID) :]
    return [next(d for d, got in zip(GRID, half, strict=True) if got >= target) for half in halves]


@pytest.mark.parametrize("how", ["autocast", "bf16"])
def test_d90_does_not_move_under_bfloat16(how: str, exact: list[float]) -> None:
    rounded = curve(how)
    assert GRID[0] < min(d90(exact)) < max(d90(exact)) < GRID[-1]
    assert d90(rounded) == d90(exact)
    assert rounded == pytest.approx(exact, abs=0.01) and rounded != exact


def test_a_compiled_model_trains_as_the_plain_one_without_recompiling() -> None:
    vectors = []
    counters.clear()
    for compiled in (False, True):
        model = network()
        optimizer = SubspaceOptimizer(model, 20, lr=0.03)
        # What is captured and guarded is the question, not the code that Inductor makes of it.
        run = torch.compile(model, backend="aot_eager") if compiled else model
        for index in range(6):
            inputs, labels = rows(8, f"batch {index}")
            nn.functional.cross_entropy(run(inputs), labels).backward()
            optimizer.step()
            optimizer.zero_grad()
        vectors.append(optimizer.subspace.vector)
    torch.testing.assert_close(*vectors, rtol=1e-3, atol=1e-5)
    assert counters["stats"]["unique_graphs"] == 1
