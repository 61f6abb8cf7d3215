"""Sizes and rates reach the model; wrong ones are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pipeline.pretraining.mlm import build_model
from pipeline.pretraining.packing import SpecialTokens
from pipeline.pretraining.recipe import ModelConfig

SPECIAL = SpecialTokens(bos=0, pad=1, eos=2, mask=99, count=4)
CONFIG = ModelConfig(2, 16, 4, 40, 24, dropout=0.2, attention_dropout=0.3, init_std=0.05)


def test_every_size_and_rate_reaches_the_model() -> None:
    config = build_model(CONFIG, 100, SPECIAL, 0).config
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (2, 16, 40)
    assert (config.num_attention_heads, config.vocab_size) == (4, 100)
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0.2, 0.3)
    assert config.max_position_embeddings == 26 and config.pad_token_id == 1


def test_a_row_as_long_as_positions_fits() -> None:
    model = build_model(CONFIG, 100, SPECIAL, 0)
    assert model(torch.full((1, 24), 5)).logits.shape == (1, 24, 100)


def test_initial_weights_have_the_wanted_spread_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(7)
    model = build_model(CONFIG, 1000, SPECIAL, 0)
    after = torch.rand(3)
    assert float(model.roberta.embeddings.word_embeddings.weight.detach().std()) == pytest.approx(
        0.05, 0.05
    )
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(3))


@pytest.mark.parametrize(
    "wrong", [{"layers": 0}, {"width": 18}, {"dropout": 1.0}, {"attention_dropout": -0.1}, {"init_std": 0.0}]
)  # fmt: skip
def test_impossible_models_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(CONFIG, **wrong)
