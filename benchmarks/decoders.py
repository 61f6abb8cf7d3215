"""Decoders of any number of parameters, with random weights: nothing is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.training.cost import EncoderSize

if TYPE_CHECKING:
    from transformers import LlamaConfig

# Blocks from so many parameters on, about as published decoders have them.
_BLOCKS = ((0, 4), (50e6, 12), (1e9, 16), (2e9, 24))
_VOCABULARY = 50_304
_HEAD = 64


def decoder_size(parameters: float, vocabulary: int = _VOCABULARY) -> EncoderSize:
    """The sizes of a decoder like LLaMA of about so many parameters."""
    layers = max(blocks for least, blocks in _BLOCKS if parameters >= least)
    # A block has 4w² + 3·4w·w weights; the words' table has V·w.
    body, half = 16 * layers, vocabulary / (32 * layers)
    width = (parameters / body + half**2) ** 0.5 - half
    width = max(1, round(width / _HEAD)) * _HEAD
    # Three matrices of 4w count as two of 6w.
    return EncoderSize(layers, width, 6 * width, vocabulary, 2048)


def decoder_config(size: EncoderSize) -> LlamaConfig:
    """The configuration of a decoder of these sizes."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=size.vocabulary, hidden_size=size.width, num_hidden_layers=size.layers,
        num_attention_heads=size.width // _HEAD, intermediate_size=size.feed_forward * 2 // 3,
        max_position_embeddings=size.positions, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip


def decoder_parameters(size: EncoderSize) -> int:
    """D of a classifier of two labels made of it."""
    block = size.width * (4 * size.width + 2 * size.feed_forward + 2)
    return size.layers * block + size.width * (size.vocabulary + 1 + 2)
