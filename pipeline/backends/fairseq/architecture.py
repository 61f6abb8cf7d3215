"""fairseq's arguments of a RoBERTa and transformers' configuration of the same, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pipeline.backends.fairseq import dictionary
from pipeline.backends.fairseq.weights import FEED_FORWARD, POSITIONS, TOKENS, count_layers
from pipeline.common.checked import Name, Share, Size
from pipeline.common.config import parse_known
from pipeline.errors import UserError

if TYPE_CHECKING:
    from transformers import RobertaConfig

# Rows of the position embeddings before the first one that is used.
UNUSED_POSITIONS = dictionary.PAD + 1
_LAYER_NORM_EPS = 1e-5
_ACTIVATIONS = {"gelu": "gelu", "gelu_accurate": "gelu_new", "gelu_fast": "gelu_new"}
# Heads where the arguments leave them to the architecture.
_HEADS = {"roberta_large": 16, "xlm": 16}
_BASE_HEADS = 12
# What makes another model of it: argument, the value of a RoBERTa, and what the other is called.
_REQUIRED = (
    ("encoder_normalize_before", False, "--encoder-normalize-before"),
    ("untie_weights_roberta", False, "--untie-weights-roberta"),
    ("layernorm_embedding", True, "no --layernorm-embedding"),
    ("no_scale_embedding", True, "scaled embeddings"),
    ("encoder_learned_pos", True, "sinusoidal positions"),
    ("no_token_positional_embeddings", False, "--no-token-positional-embeddings"),
    ("adaptive_input", False, "--adaptive-input"),
)


@dataclass(frozen=True)
class _Arguments:
    """What is read of fairseq's arguments; the architecture has two names."""

    encoder_attention_heads: Size | None = None
    dropout: Share = 0.1
    attention_dropout: Share = 0.1
    activation_fn: Name = "gelu"
    arch: Name | None = None
    _name: Name | None = None


def to_config(arguments: Mapping[str, Any], weights: Mapping[str, torch.Tensor]) -> RobertaConfig:
    """The configuration of a checkpoint: sizes from its weights, the rest from its arguments.

    Raises:
        UserError: the arguments describe a model that transformers' RoBERTa is not.
    """
    from transformers import RobertaConfig

    said = parse_known(_Arguments, arguments, "its arguments")
    for key, value, flag in _REQUIRED:
        if bool(arguments.get(key, value)) is not value:
            raise UserError(f"it was trained with {flag}, which transformers' RoBERTa has not")
    activation = said.activation_fn
    if activation not in _ACTIVATIONS:
        raise UserError(
            f"its activation is {activation!r}, but transformers' RoBERTa needs one of "
            f"{', '.join(_ACTIVATIONS)}"
        )
    for name in (TOKENS, POSITIONS, FEED_FORWARD):
        if name not in weights or weights[name].ndim != 2:
            raise UserError(f"it lacks the weight {name!r}: it is no RoBERTa of fairseq's")
    rows, width = weights[TOKENS].shape
    heads = said.encoder_attention_heads
    if heads is None:
        heads = _HEADS.get(said.arch or said._name or "", _BASE_HEADS)
    if width % heads:
        raise UserError(f"its arguments have {heads} heads, which do not divide its width {width}")
    return RobertaConfig(
        vocab_size=rows,
        hidden_size=width,
        num_hidden_layers=count_layers(weights),
        num_attention_heads=heads,
        intermediate_size=weights[FEED_FORWARD].shape[0],
        max_position_embeddings=weights[POSITIONS].shape[0],
        type_vocab_size=1,
        layer_norm_eps=_LAYER_NORM_EPS,
        hidden_act=_ACTIVATIONS[activation],
        hidden_dropout_prob=said.dropout,
        attention_probs_dropout_prob=said.attention_dropout,
        bos_token_id=dictionary.BOS,
        pad_token_id=dictionary.PAD,
        eos_token_id=dictionary.EOS,
        tie_word_embeddings=True,
    )


def to_arguments(config: RobertaConfig) -> dict[str, Any]:
    """Fairseq's arguments for the model that a configuration describes.

    Raises:
        UserError: fairseq's RoBERTa cannot be that model.
    """
    found = {
        "model_type": config.model_type,
        "type_vocab_size": config.type_vocab_size,
        "layer_norm_eps": config.layer_norm_eps,
        "hidden_act": config.hidden_act,
        "pad_token_id": config.pad_token_id,
    }
    needed = {
        "model_type": "roberta",
        "type_vocab_size": 1,
        "layer_norm_eps": _LAYER_NORM_EPS,
        "hidden_act": "gelu",
        "pad_token_id": dictionary.PAD,
    }
    for key, value in needed.items():
        if found[key] != value:
            raise UserError(f"its {key} is {found[key]!r}, but fairseq's RoBERTa has {value!r}")
    positions = config.max_position_embeddings - UNUSED_POSITIONS
    return {
        "arch": "roberta_base",
        "task": "masked_lm",
        "criterion": "masked_lm",
        "encoder_layers": config.num_hidden_layers,
        "encoder_embed_dim": config.hidden_size,
        "encoder_ffn_embed_dim": config.intermediate_size,
        "encoder_attention_heads": config.num_attention_heads,
        "dropout": config.hidden_dropout_prob,
        "attention_dropout": config.attention_probs_dropout_prob,
        "activation_fn": "gelu",
        "max_positions": positions,
        "tokens_per_sample": positions,
        "sample_break_mode": "complete",
        "untie_weights_roberta": False,
        "encoder_normalize_before": False,
    }
