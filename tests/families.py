"""Tiny models of every family that can classify, drawn at random, as folders like published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pipeline.tokens.tokenizer import open_tokenizer

_ENCODER = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 66,
}  # fmt: skip
_ENCODER_DECODER = {
    "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
    "max_position_embeddings": 64,
}  # fmt: skip

# Family → the settings of a tiny one, and the layers that SAID scales in it.
FAMILIES: dict[str, tuple[dict[str, Any], int]] = {
    "bert": ({**_ENCODER, "type_vocab_size": 2}, 4),
    "roberta": ({**_ENCODER, "type_vocab_size": 1}, 4),
    "xlm-roberta": ({**_ENCODER, "type_vocab_size": 1}, 4),
    "electra": ({**_ENCODER, "embedding_size": 8}, 4),
    # All its blocks are one, used over and over.
    "albert": ({**_ENCODER, "embedding_size": 8, "classifier_dropout_prob": 0.1}, 3),
    "deberta": ({**_ENCODER, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, 4),
    "deberta-v2": (
        {**_ENCODER, "relative_attention": True, "pos_att_type": ["c2p", "p2c"],
         "position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True,
         "position_biased_input": False, "type_vocab_size": 0}, 4),
    "distilbert": (
        {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 64}, 4),
    "modernbert": ({**_ENCODER, "global_attn_every_n_layers": 2}, 4),
    "bart": (_ENCODER_DECODER, 6),
    "t5": (
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_decoder_layers": 2,
         "num_heads": 2, "decoder_start_token_id": 1}, 6),
    "gpt2": ({"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}, 4),
    "gpt_neox": (_ENCODER, 4),
    "llama": ({**_ENCODER, "num_key_value_heads": 1}, 4),
}  # fmt: skip


def write_family(
    family: str, tokenizer_dir: Path, directory: Path, seed: int = 0, **changes: Any
) -> Path:
    """A model without a classification head, as its authors would publish it."""
    from transformers import AutoConfig, AutoModel

    tokenizer = open_tokenizer(tokenizer_dir)
    settings = {**FAMILIES[family][0], **changes}
    config = AutoConfig.for_model(
        family, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        **settings,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModel.from_config(config)
    # Like all tiny models these need wide weights to tell inputs apart.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory
