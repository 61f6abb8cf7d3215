"""RoBERTa with a masked-language-model head that is computed on masked positions only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from pipeline.common.seeds import isolated
from pipeline.pretraining.encoder import encode
from pipeline.pretraining.masking import IGNORE, MaskedBatch
from pipeline.pretraining.packing import SpecialTokens
from pipeline.pretraining.recipe import ModelConfig

if TYPE_CHECKING:
    from transformers import RobertaForMaskedLM

SummedLoss = Callable[..., torch.Tensor]


def build_model(
    config: ModelConfig, vocabulary: int, special: SpecialTokens, seed: int
) -> RobertaForMaskedLM:
    """A RoBERTa with weights drawn from (seed, "init")."""
    from transformers import RobertaConfig, RobertaForMaskedLM

    settings = RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.feed_forward,
        # RoBERTa counts positions from the padding id on, so two rows are never used.
        max_position_embeddings=config.positions + special.pad + 1,
        type_vocab_size=1,
        initializer_range=config.init_std,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.attention_dropout,
        bos_token_id=special.bos,
        pad_token_id=special.pad,
        eos_token_id=special.eos,
        tie_word_embeddings=True,
    )
    with isolated(seed, "init"):
        return RobertaForMaskedLM(settings)


def masked_loss(model: Any, batch: MaskedBatch, summed: SummedLoss | None = None) -> torch.Tensor:
    """A micro-batch's share of the mean cross-entropy (nats) over the update's masked tokens.

    ``summed`` stands in for `summed_loss`: the same, compiled.
    """
    total = (summed or summed_loss)(
        model, batch.input_ids, batch.attention_mask, batch.positions, batch.labels
    )
    return total / batch.count


def summed_loss(
    model: Any,
    ids: torch.Tensor,
    mask: torch.Tensor | None,
    positions: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """Summed cross-entropy (nats) at the positions; shapes as in `MaskedBatch`."""
    logits = model.lm_head(encode(model.roberta, ids, mask, positions))
    return functional.cross_entropy(
        logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORE, reduction="sum"
    )


def compiled_loss(cuda_graphs: bool = False) -> SummedLoss:
    """`summed_loss` fused by torch.compile; with CUDA graphs a batch's kernels start as one."""
    mode = "reduce-overhead" if cuda_graphs else None
    compiled: SummedLoss = torch.compile(summed_loss, mode=mode)
    return compiled
