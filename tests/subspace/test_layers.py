from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pipeline.subspace.layers import Layers, Run, layer_groups
from pipeline.training.parameters import FlatParameters, Span

transformers = pytest.importorskip("transformers")

TINY = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
}
SHARED = {"vocab_size": 50}
BERT = {
    **SHARED,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
BART = {
    **SHARED,
    "d_model": 16,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "pad_token_id": 1,
}
T5 = {**SHARED, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
GPT2 = {**SHARED, "n_embd": 16, "n_layer": 3, "n_head": 2}
ALBERT = {**BERT, "embedding_size": 8}
# Model class, configuration class, its keys, and the number of blocks that it has.
ARCHITECTURES = [
    ("BertForSequenceClassification", "BertConfig", BERT, 3),
    ("RobertaForMaskedLM", "RobertaConfig", BERT, 3),
    ("ElectraForSequenceClassification", "ElectraConfig", {**BERT, "embedding_size": 8}, 3),
    ("DebertaV2ForSequenceClassification", "DebertaV2Config", BERT, 3),
    (
        "DistilBertForSequenceClassification",
        "DistilBertConfig",
        {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32, **SHARED},
        3,
    ),
    ("GPT2ForSequenceClassification", "GPT2Config", GPT2, 3),
    ("GPTNeoXForCausalLM", "GPTNeoXConfig", BERT, 3),
    ("BartForSequenceClassification", "BartConfig", BART, 5),
    ("T5ForConditionalGeneration", "T5Config", T5, 4),
    ("BertForSequenceClassification", "BertConfig", {**BERT, "num_hidden_layers": 1}, 1),
    ("AlbertForSequenceClassification", "AlbertConfig", ALBERT, 1),
]


def layers_of(owners: list[int]) -> Layers:
    """Spans of three entries, each owned by the layer that stands in the list."""
    spans = [Span(str(index), 3 * index, 3 * index + 3) for index in range(len(owners))]
    groups = [[s for s, own in zip(spans, owners, strict=True) if own == i] for i in set(owners)]
    return Layers(groups)


def test_neighbours_of_one_layer_are_one_run() -> None:
    layers = layers_of([0, 0, 1, 0])
    assert layers.count == 2
    assert layers.within(0, 12) == [Run(0, 6, 0), Run(6, 9, 1), Run(9, 12, 0)]
    assert layers.within(5, 7) == [Run(5, 6, 0), Run(6, 7, 1)]
    assert layers.within(6, 9) == [Run(6, 9, 1)]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=8), st.data())
def test_runs_tile_any_stretch(owners: list[int], data: st.DataObject) -> None:
    names = sorted(set(owners))
    owners = [names.index(owner) for owner in owners]
    start = data.draw(st.integers(0, 3 * len(owners) - 1))
    stop = data.draw(st.integers(start + 1, 3 * len(owners)))
    runs = layers_of(owners).within(start, stop)
    entries = [(at, run.layer) for run in runs for at in range(run.start, run.stop)]
    assert entries == [(at, owners[at // 3]) for at in range(start, stop)]


def roberta(kind: str = "RobertaForSequenceClassification") -> nn.Module:
    return getattr(transformers, kind)(transformers.RobertaConfig(**TINY))


def test_blocks_of_roberta_are_embeddings_layers_and_head() -> None:
    flat = FlatParameters(roberta())
    groups = layer_groups(flat.spans, "block")
    assert len(groups) == TINY["num_hidden_layers"] + 2
    assert all(span.name.startswith("roberta.embeddings") for span in groups[0])
    assert all(span.name.startswith("classifier") for span in groups[-1])


@pytest.mark.parametrize(("model", "config", "keys", "blocks"), ARCHITECTURES)
def test_blocks_of_every_family_are_found(
    model: str, config: str, keys: dict[str, int], blocks: int
) -> None:
    with torch.device("meta"):
        built = getattr(transformers, model)(getattr(transformers, config)(**keys))
    spans = [
        Span(name, index, index + 1) for index, (name, _) in enumerate(built.named_parameters())
    ]
    assert len(layer_groups(spans, "block")) == blocks + 2


def test_a_wrapper_around_the_list_of_blocks_is_no_block() -> None:
    flat = FlatParameters(nn.Sequential(roberta()))
    assert len(layer_groups(flat.spans, "block")) == TINY["num_hidden_layers"] + 2


@pytest.mark.parametrize("granularity", ["block", "module", "tensor"])
def test_groups_cover_every_parameter_once(granularity: str) -> None:
    flat = FlatParameters(roberta())
    names = [span.name for group in layer_groups(flat.spans, granularity) for span in group]
    assert sorted(names) == sorted(span.name for span in flat.spans)


def test_tensor_groups_of_roberta_base_are_201() -> None:
    with torch.device("meta"):
        model = transformers.RobertaForSequenceClassification(
            transformers.RobertaConfig(
                vocab_size=50265, max_position_embeddings=514, type_vocab_size=1
            )
        )
    names = [name for name, _ in model.named_parameters()]
    assert len(names) == 201
    spans = [Span(name, index, index + 1) for index, name in enumerate(names)]
    assert len(layer_groups(spans, "block")) == 14
