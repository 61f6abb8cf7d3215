"""The shortened computation is transformers' RobertaModel, gradient included."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from torch.nn import functional

from pipeline.pretraining import encoder
from pipeline.pretraining.encoder import encode
from pipeline.pretraining.mlm import build_model
from pipeline.pretraining.packing import SpecialTokens
from pipeline.pretraining.recipe import ModelConfig

SPECIAL = SpecialTokens(bos=0, pad=1, eos=2, mask=99, count=4)
CONFIG = ModelConfig(3, 16, 4, 40, 24, dropout=0.1, attention_dropout=0.1, init_std=0.3)
POSITIONS = torch.tensor([[3, 17, 2, 0], [5, 0, 11, 11], [1, 2, 3, 4]])


def inputs(padded: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
    ids = torch.randint(4, 99, (3, 20), generator=torch.Generator().manual_seed(0))
    if not padded:
        return ids, None
    mask = torch.ones_like(ids)
    mask[0, 18:] = mask[1, 12:] = 0
    return ids.masked_fill(mask == 0, SPECIAL.pad), mask


def whole(model, ids, mask, positions):
    hidden = model(ids, attention_mask=mask).last_hidden_state
    return hidden[torch.arange(len(ids))[:, None], positions]


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_hidden_states_and_gradients_are_those_of_the_whole_encoder(
    padded: bool, layers: int, rate: float
) -> None:
    """In training mode too: with no dropout drawn, each way through attention is the same."""
    config = replace(CONFIG, layers=layers)
    model = build_model(config, 100, SPECIAL, 0).double().eval().roberta
    ids, mask = inputs(padded)
    outward = torch.randn(3, 4, 16, generator=torch.Generator().manual_seed(1)).double()
    expected = whole(model, ids, mask, POSITIONS)
    wanted = torch.autograd.grad((expected * outward).sum(), list(model.parameters()))
    model.train()
    model.config.hidden_dropout_prob = 0.0
    model.config.attention_probs_dropout_prob = rate
    with (
        patch.object(encoder, "_plain_cpu", lambda x: True),
        patch.object(encoder, "_dropped", lambda x, rate: x),
    ):
        made = encode(model, ids, mask, POSITIONS)
    torch.testing.assert_close(made, expected)
    got = torch.autograd.grad((made * outward).sum(), list(model.parameters()))
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_dropout_rates_apply_in_training_alone() -> None:
    asked: list[float] = []
    model = build_model(replace(CONFIG, dropout=0.2), 100, SPECIAL, 0).roberta
    ids, mask = inputs(True)
    with patch.object(encoder, "_dropped", lambda x, rate: asked.append(rate) or x):
        encode(model.train(), ids, mask, POSITIONS)
        trained, asked = asked, []
        encode(model.eval(), ids, mask, POSITIONS)
    # Embeddings, then attention's weights and two outputs a block.
    assert trained == [0.2, *[0.1, 0.2, 0.2] * 3] and set(asked) == {0.0}


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_at_its_rate_scales_what_stays_and_its_gradient_alike(rate: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(1001, 333, requires_grad=True)
    dropped = encoder._dropped(x, rate)
    (gradient,) = torch.autograd.grad(dropped.sum(), x)
    assert torch.equal(gradient, dropped.detach())
    kept = dropped != 0
    assert float(kept.float().mean()) == pytest.approx(1 - rate, abs=0.004)
    assert dropped[kept].unique().tolist() == pytest.approx([1 / (1 - rate)], rel=2e-4)
    # Neighbours come out of one random integer: they must not know of each other.
    both = (kept[:, 1:] & kept[:, :-1]).float().mean()
    assert float(both) == pytest.approx((1 - rate) ** 2, abs=0.005)


def test_dropout_depends_on_the_seed() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return encoder._dropped(torch.ones(50), 0.5)

    assert torch.equal(drawn(0), drawn(0)) and not torch.equal(drawn(0), drawn(1))


def test_other_precisions_drop_as_torch_does() -> None:
    torch.manual_seed(0)
    made = encoder._dropped(torch.ones(50, dtype=torch.bfloat16), 0.5)
    torch.manual_seed(0)
    assert torch.equal(made, functional.dropout(torch.ones(50, dtype=torch.bfloat16), 0.5))
