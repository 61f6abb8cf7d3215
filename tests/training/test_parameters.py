from __future__ import annotations

import pytest
import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.training.parameters import FlatParameters, layout_hash

transformers = pytest.importorskip("transformers")

TINY = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
}


def roberta(kind: str = "RobertaForSequenceClassification") -> nn.Module:
    return getattr(transformers, kind)(transformers.RobertaConfig(**TINY))


def test_flattening_leaves_the_model_as_it_was() -> None:
    model = roberta().eval()
    ids = torch.tensor([[0, 5, 6, 2]])
    before = model(ids).logits
    flat = FlatParameters(model)
    assert torch.equal(before, model(ids).logits)
    assert flat.size == sum(item.numel() for item in model.parameters())


def test_buffer_and_model_are_one() -> None:
    model = nn.Linear(3, 2)
    flat = FlatParameters(model)
    flat.values.copy_(torch.arange(8.0))
    assert torch.equal(model.weight, torch.arange(6.0).view(2, 3))
    model(torch.ones(1, 3)).sum().backward()
    assert torch.equal(flat.grads, torch.ones(8))
    flat.zero_grad()
    model(2 * torch.ones(1, 3)).sum().backward()
    assert torch.equal(flat.grads, torch.tensor([2.0] * 6 + [1.0] * 2))


def test_gradients_survive_an_optimizer_that_drops_them() -> None:
    model = nn.Linear(3, 2)
    flat = FlatParameters(model)
    for parameter in model.parameters():
        parameter.grad = None
    flat.zero_grad()
    model(torch.ones(1, 3)).sum().backward()
    assert float(flat.grads.sum()) == 8


def test_tied_weights_are_held_once() -> None:
    model = roberta("RobertaForMaskedLM")
    flat = FlatParameters(model)
    assert (
        model.lm_head.decoder.weight.data_ptr()
        == model.roberta.embeddings.word_embeddings.weight.data_ptr()
    )
    assert flat.size == sum(item.numel() for item in model.parameters())


def test_the_fingerprint_tells_layouts_apart() -> None:
    one, same, other = nn.Linear(2, 3), nn.Linear(2, 3), nn.Linear(3, 2)
    prints = [layout_hash(FlatParameters(model).spans) for model in (one, same, other)]
    assert prints[0] == prints[1] != prints[2]


def test_a_model_without_parameters_is_refused() -> None:
    with pytest.raises(UserError, match="no trainable parameters"):
        FlatParameters(nn.ReLU())


def test_mixed_dtypes_are_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double())
    with pytest.raises(UserError, match=r"float32.*float64"):
        FlatParameters(model)


def test_tied_weights_stay_tied() -> None:
    model = roberta("RobertaForMaskedLM")
    flat = FlatParameters(model)
    flat.values += 1
    assert torch.equal(
        model.lm_head.decoder.weight, model.roberta.embeddings.word_embeddings.weight
    )


def test_frozen_parameters_are_left_out_whatever_their_dtype() -> None:
    model = nn.Sequential(nn.Linear(2, 2).half().requires_grad_(False), nn.Linear(2, 3))
    flat = FlatParameters(model)
    assert [span.name for span in flat.spans] == ["1.weight", "1.bias"]
    frozen = model[0].weight.clone()
    flat.values += 1
    assert torch.equal(model[0].weight, frozen)


def test_two_parameters_in_one_place_are_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight.data = model[0].weight.data
    with pytest.raises(UserError, match=r"0\.weight and 1\.weight share memory"):
        FlatParameters(model)
    model[1].weight = model[0].weight
    assert FlatParameters(model).size == 8
