from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.optim import OptimizerConfig, adamw
from pipeline.subspace import structure
from pipeline.subspace.layout import FlatParameters
from pipeline.subspace.projection import Projection
from pipeline.subspace.structure import Full, Subspace, SubspaceConfig
from pipeline.subspace.task_vector import load_task_vector, save_task_vector


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3)]
    return nn.Sequential(*layers).double()


INPUT = torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

CONFIGS = [
    SubspaceConfig(method=method, projection=projection, normalisation=normalisation, layers=layers)
    for method, layers in (("did", "block"), ("said", "block"), ("said", "tensor"))
    for projection in ("fastfood", "dense")
    for normalisation in ("entry", "column")
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_zero_is_the_checkpoint_bit_for_bit(config: SubspaceConfig) -> None:
    model = network()
    before = [item.detach().clone() for item in model.parameters()]
    subspace = Subspace(FlatParameters(model), config, 40, 0)
    subspace.materialize()
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_exactly_d_numbers_are_trained(config: SubspaceConfig) -> None:
    subspace = Subspace(FlatParameters(network()), config, 40, 0)
    assert subspace.vector.shape == (40,)
    assert (
        subspace.layers == {"did": 0, "said": 6 if config.layers == "tensor" else 3}[config.method]
    )
    ones = 40 - subspace.layers
    assert torch.equal(subspace.vector[:ones], torch.zeros(ones, dtype=torch.float64))
    assert torch.equal(subspace.vector[ones:], torch.ones(subspace.layers, dtype=torch.float64))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_gradient_equals_finite_differences(config: SubspaceConfig) -> None:
    model = network()
    subspace = Subspace(FlatParameters(model), config, 12, 0)
    generator = torch.Generator().manual_seed(3)
    subspace.vector += 0.3 * torch.randn(12, dtype=torch.float64, generator=generator)

    def loss() -> torch.Tensor:
        subspace.materialize()
        return model(INPUT).square().sum()

    subspace.zero_grad()
    loss().backward()
    subspace.pull_back()
    analytic = subspace.vector.grad.clone()
    for index in range(12):
        step = torch.zeros(12, dtype=torch.float64)
        step[index] = 1e-6
        subspace.vector += step
        up = loss().item()
        subspace.vector -= 2 * step
        down = loss().item()
        subspace.vector += step
        assert analytic[index].item() == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-6)


class Identity(Projection):
    def forward(self, theta: torch.Tensor, out: torch.Tensor) -> None:
        out.copy_(theta)

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        out.copy_(gradient)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    make = lambda d, size, seed, config: Identity(d, size, "entry")  # noqa: E731
    monkeypatch.setattr(structure, "_PROJECTIONS", {"fastfood": make})
    yield


@pytest.mark.usefixtures("identity")
def test_identity_projection_is_full_fine_tuning() -> None:
    updated = []
    for subspace in (False, True):
        model = network()
        flat = FlatParameters(model)
        config = SubspaceConfig(method="did")
        trainable = Subspace(flat, config, flat.size, 0) if subspace else Full(flat)
        optimizer = adamw(trainable.vector, OptimizerConfig(weight_decay=0))
        optimizer.param_groups[0]["lr"] = 0.01
        for _ in range(3):
            trainable.materialize()
            trainable.zero_grad()
            model(INPUT).square().sum().backward()
            trainable.pull_back()
            optimizer.step()
        trainable.materialize()
        updated.append(flat.values.clone())
    torch.testing.assert_close(updated[0], updated[1], rtol=1e-12, atol=1e-12)


def test_d_must_exceed_the_number_of_layers() -> None:
    with pytest.raises(UserError, match="at least 4"):
        Subspace(FlatParameters(network()), SubspaceConfig(), 3, 0)


def test_d_must_not_exceed_the_number_of_parameters() -> None:
    flat = FlatParameters(network())
    with pytest.raises(UserError, match=f"D = {flat.size}"):
        Subspace(flat, SubspaceConfig(), flat.size + 1, 0)


def test_task_vector_restores_the_weights_bit_for_bit(tmp_path) -> None:
    model = network().float()
    flat = FlatParameters(model)
    subspace = Subspace(flat, SubspaceConfig(), 20, 5)
    subspace.vector += 0.1
    subspace.materialize()
    trained = flat.values.clone()
    path = tmp_path / "task.safetensors"
    save_task_vector(path, subspace.vector, subspace, "abc", "demo")
    fresh = FlatParameters(network().float())
    load_task_vector(path).apply(fresh, "abc")
    assert torch.equal(trained, fresh.values)


def test_task_vector_of_1000_numbers_is_small(tmp_path) -> None:
    model = nn.Linear(50, 50)
    subspace = Subspace(FlatParameters(model), SubspaceConfig(), 1000, 0)
    path = tmp_path / "task.safetensors"
    save_task_vector(path, subspace.vector, subspace, "a" * 64, "demo")
    assert path.stat().st_size < 6000


def test_task_vector_is_refused_where_it_does_not_belong(tmp_path) -> None:
    subspace = Subspace(FlatParameters(network()), SubspaceConfig(), 20, 0)
    path = tmp_path / "task.safetensors"
    save_task_vector(path, subspace.vector, subspace, "abc", "demo")
    with pytest.raises(UserError, match="belongs to checkpoint abc"):
        load_task_vector(path).apply(FlatParameters(network()), "other")
    with pytest.raises(UserError, match="but the model has 2550"):
        load_task_vector(path).apply(FlatParameters(nn.Linear(50, 50).double()), "abc")
    path.write_bytes(b"no")
    with pytest.raises(UserError, match="not a task vector"):
        load_task_vector(path)
