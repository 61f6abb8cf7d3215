from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.subspace import reparameterisation
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.projection import Projection
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters, Full


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3)]
    return nn.Sequential(*layers).double()


INPUT = torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

CONFIGS = [
    SubspaceConfig(method=method, projection=projection, normalisation=normalisation, layers=layers)
    for method, layers in (
        ("did", "block"),
        ("said", "block"),
        ("said", "module"),
        ("said", "tensor"),
    )
    for projection in ("fastfood", "fastfood_whole", "dense", "sparse", "reference")
    for normalisation in ("entry", "column", "reference")
    if projection != "reference" or normalisation == "reference"
]
EXACT = [config for config in CONFIGS if config.projection != "reference"]


def name(config: SubspaceConfig) -> str:
    return "-".join(map(str, vars(config).values()))


def signbits(model: nn.Module) -> list[torch.Tensor]:
    """The weights as bit patterns, which tell −0 from +0."""
    return [item.detach().clone().view(torch.int64) for item in model.parameters()]


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_zero_is_the_checkpoint_bit_for_bit(config: SubspaceConfig) -> None:
    model = network()
    with torch.no_grad():
        model[0].weight[0] = -0.0
    before = signbits(model)
    subspace = Subspace(FlatParameters(model), config, 40, 0)
    subspace.materialize()
    assert all(map(torch.equal, before, signbits(model)))
    subspace.vector[0] = 1
    subspace.materialize()
    assert not all(map(torch.equal, before, signbits(model)))


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_exactly_d_numbers_are_trained(config: SubspaceConfig) -> None:
    subspace = Subspace(FlatParameters(network()), config, 40, 0)
    assert subspace.vector.shape == (40,)
    assert (
        subspace.layers == {"did": 0, "said": 6 if config.layers == "tensor" else 3}[config.method]
    )
    ones = 40 - subspace.layers
    assert torch.equal(subspace.vector[:ones], torch.zeros(ones, dtype=torch.float64))
    assert torch.equal(subspace.vector[ones:], torch.ones(subspace.layers, dtype=torch.float64))


@pytest.mark.parametrize("config", EXACT, ids=name)
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


def test_the_contract_refuses_the_public_backward() -> None:
    """What `test_gradient_equals_finite_differences` leaves out would fail there."""
    config = SubspaceConfig("reference", normalisation="reference", method="did")
    with pytest.raises(AssertionError):
        test_gradient_equals_finite_differences(config)


class Identity(Projection):
    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        yield 0, theta.clone()

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        out.copy_(gradient)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    make = lambda config, d, lengths, seed: Identity(d, sum(lengths), "entry")  # noqa: E731
    monkeypatch.setattr(reparameterisation, "make_projection", make)


@pytest.mark.usefixtures("identity")
def test_identity_projection_is_full_fine_tuning() -> None:
    updated = []
    for subspace in (False, True):
        model = network()
        flat = FlatParameters(model)
        config = SubspaceConfig(method="did")
        trainable = Subspace(flat, config, flat.size, 0) if subspace else Full(flat)
        optimizer = make_optimizer(trainable.vector, AdamW(weight_decay=0.0))
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


def test_did_needs_one_number() -> None:
    with pytest.raises(UserError, match="DID with layers: block needs d of at least 1"):
        Subspace(FlatParameters(network()), SubspaceConfig(method="did"), 0, 0)


def test_gradients_over_micro_batches_add_up() -> None:
    model = network()
    subspace = Subspace(FlatParameters(model), SubspaceConfig(), 20, 0)
    subspace.vector += 0.1
    gradients = []
    for batches in ([INPUT], INPUT.split(2)):
        subspace.materialize()
        subspace.zero_grad()
        for batch in batches:
            model(batch).square().sum().backward()
        subspace.pull_back()
        gradients.append(subspace.vector.grad.clone())
    torch.testing.assert_close(*gradients)


def test_half_precision_weights_are_rounded_once() -> None:
    single, half = network().float(), network().float().bfloat16()
    flats = [FlatParameters(single), FlatParameters(half)]
    flats[0].values.copy_(flats[1].values)
    for flat in flats:
        subspace = Subspace(flat, SubspaceConfig(), 20, 0)
        assert subspace.vector.dtype == torch.float32
        subspace.vector += 0.1
        subspace.materialize()
    assert torch.equal(flats[0].values.bfloat16(), flats[1].values)


def classifier() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    return transformers.RobertaForSequenceClassification(
        transformers.RobertaConfig(
            vocab_size=50,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=20,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )


@pytest.mark.parametrize("method", ["did", "said"])
def test_a_head_outside_is_trained_directly(method: str) -> None:
    model = classifier()
    flat = FlatParameters(model)
    head = sum(item.numel() for item in model.classifier.parameters())
    before = flat.values.clone()
    subspace = Subspace(flat, SubspaceConfig(method=method, head="outside"), 30, 0)
    assert subspace.dimension == 30 and subspace.vector.shape == (30 + head,)
    assert subspace.layers == (3 if method == "said" else 0)
    subspace.materialize()
    assert torch.equal(flat.values, before)
    subspace.zero_grad()
    model(torch.tensor([[0, 5, 2]]), labels=torch.tensor([1])).loss.backward()
    wanted = flat.grads[-head:].clone()
    subspace.pull_back()
    assert torch.equal(subspace.vector.grad[30:], wanted)
    subspace.vector[0] += 1
    subspace.vector[-1] += 1
    subspace.materialize()
    changed = flat.values != before
    assert changed[:-head].any() and not changed[-head:-1].any() and changed[-1]


def test_a_head_outside_needs_a_head() -> None:
    with pytest.raises(UserError, match="head: outside needs a model"):
        Subspace(FlatParameters(network()), SubspaceConfig(head="outside"), 30, 0)


def test_a_subspace_learns() -> None:
    model = network()
    subspace = Subspace(FlatParameters(model), SubspaceConfig(), 40, 0)
    optimizer = make_optimizer(subspace.vector, AdamW(weight_decay=0.0))
    optimizer.param_groups[0]["lr"] = 0.02
    losses = []
    for _ in range(60):
        subspace.materialize()
        subspace.zero_grad()
        loss = (model(INPUT) - 1).square().mean()
        loss.backward()
        subspace.pull_back()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]
