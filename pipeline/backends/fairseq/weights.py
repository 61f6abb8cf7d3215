"""The same weights under fairseq's names and under those of transformers' ``RobertaForMaskedLM``.

Old spellings are brought to today's first, so that what is left over is either known or refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from pipeline.errors import UserError

_ENCODER, _HEAD = "encoder.sentence_encoder.", "encoder.lm_head."
TOKENS = f"{_ENCODER}embed_tokens.weight"
POSITIONS = f"{_ENCODER}embed_positions.weight"
OUTPUT = f"{_HEAD}weight"
FEED_FORWARD = f"{_ENCODER}layers.0.fc1.weight"
# transformers' RoBERTa adds the embedding of a token's one type, which fairseq's has not.
TYPE = "roberta.embeddings.token_type_embeddings.weight"
_HF_POSITIONS = "roberta.embeddings.position_embeddings.weight"

_EMBEDDINGS = {
    "embed_tokens.weight": "word_embeddings.weight",
    "embed_positions.weight": "position_embeddings.weight",
    "layernorm_embedding.weight": "LayerNorm.weight",
    "layernorm_embedding.bias": "LayerNorm.bias",
}
_LAYER = {
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.output.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "output.LayerNorm",
}
_LM_HEAD = {
    "weight": "decoder.weight",
    "bias": "bias",
    "dense.weight": "dense.weight",
    "dense.bias": "dense.bias",
    "layer_norm.weight": "layer_norm.weight",
    "layer_norm.bias": "layer_norm.bias",
}
_RENAMED = (
    (re.compile(r"^decoder\."), "encoder."),
    (re.compile(r"\.emb_layer_norm\."), ".layernorm_embedding."),
    (re.compile(r"\.layer_norms\.0\."), ".self_attn_layer_norm."),
    (re.compile(r"\.layer_norms\.1\."), ".final_layer_norm."),
)
# Versions, heads of other tasks, and the copies that fairseq's fast path keeps: zeros in a fresh
# run, stale weights after a resume, never the ones that were trained.
_DROPPED = re.compile(
    r"(^|\.)version$|^classification_heads\.|\.layers\.\d+\.(in_proj|out_proj|fc1|fc2)_(weight|bias)$"
)
_FUSED = re.compile(r"^(.*\.self_attn\.)in_proj_(weight|bias)$")
_INDEX = re.compile(rf"^{re.escape(_ENCODER)}layers\.(\d+)\.")


def current_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights under fairseq 0.12's names, without what is no weight of the language model."""
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        for old, new in _RENAMED:
            name = old.sub(new, name)
        if _DROPPED.search(name):
            continue
        fused = _FUSED.match(name)
        if fused is None:
            weights[name] = tensor
            continue
        for part, rows in zip("qkv", tensor.chunk(3), strict=True):
            weights[f"{fused[1]}{part}_proj.{fused[2]}"] = rows
    return weights


def count_layers(weights: Mapping[str, torch.Tensor]) -> int:
    """How many layers the encoder has."""
    found = (_INDEX.match(name) for name in weights)
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def to_transformers(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state dictionary for ``RobertaForMaskedLM``, in single precision.

    Args:
        weights: under fairseq 0.12's names.

    Raises:
        UserError: a weight is missing or unknown, or the output is not tied to the embeddings.
    """
    names = _names(count_layers(weights))
    unknown, missing = sorted(weights.keys() - names), sorted(names.keys() - weights.keys())
    if unknown:
        raise UserError(f"it has the weight {unknown[0]!r}, which no RoBERTa of fairseq's has")
    if missing:
        raise UserError(f"it lacks the weight {missing[0]!r}: it is no whole RoBERTa of fairseq's")
    if not torch.equal(weights[OUTPUT], weights[TOKENS]):
        raise UserError(
            "its output weights are not those of the token embeddings (--untie-weights-roberta): "
            "RobertaForMaskedLM ties them"
        )
    state = {names[name]: tensor.float() for name, tensor in weights.items()}
    state["lm_head.decoder.bias"] = state["lm_head.bias"]
    state[TYPE] = torch.zeros(1, state[_HF_POSITIONS].shape[1])
    return state


def to_fairseq(state: Mapping[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """Weights under fairseq's names from those of ``RobertaForMaskedLM``.

    The type embedding, which fairseq has not, is added to every position's: the sums are the same.

    Raises:
        UserError: a weight is missing, or the output is not tied to the embeddings.
    """
    weights = {name: state[theirs].float() for name, theirs in _names(layers).items()}
    if not torch.equal(weights[OUTPUT], weights[TOKENS]):
        raise UserError(
            "its output weights are not those of the token embeddings: fairseq ties them"
        )
    if not torch.equal(state["lm_head.decoder.bias"], state["lm_head.bias"]):
        raise UserError("its head has two different biases: fairseq has one")
    weights[POSITIONS] = weights[POSITIONS] + state[TYPE].float()
    return weights


def _names(layers: int) -> dict[str, str]:
    """Fairseq's name of every weight → transformers'."""
    names = {_ENCODER + a: f"roberta.embeddings.{b}" for a, b in _EMBEDDINGS.items()}
    names |= {_HEAD + a: f"lm_head.{b}" for a, b in _LM_HEAD.items()}
    for layer in range(layers):
        for a, b in _LAYER.items():
            for kind in ("weight", "bias"):
                ours = f"{_ENCODER}layers.{layer}.{a}.{kind}"
                names[ours] = f"roberta.encoder.layer.{layer}.{b}.{kind}"
    return names
