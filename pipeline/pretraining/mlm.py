"""RoBERTa with a masked-language-model head that is computed on masked positions only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from pipeline.pretraining.masking import IGNORE, MaskedBatch
from pipeline.pretraining.packing import SpecialTokens
from pipeline.seeds import isolated

if TYPE_CHECKING:
    from transformers import RobertaForMaskedLM


@dataclass(frozen=True)
class ModelConfig:
    """RoBERTa's sizes; the defaults are RoBERTa-Base (METHOD §3).

    ``init_std`` suits a width of 768; narrow models learn sooner from wider weights.
    """

    layers: int = 12
    width: int = 768
    heads: int = 12
    feed_forward: int = 3072
    positions: int = 512
    dropout: float = 0.1
    attention_dropout: float = 0.1
    init_std: float = 0.02

    def __post_init__(self) -> None:
        for key in ("layers", "width", "heads", "feed_forward", "positions"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} is {getattr(self, key)}, but must be at least 1")
        if self.width % self.heads:
            raise ValueError(f"width is {self.width}, but must be a multiple of heads {self.heads}")
        if self.init_std <= 0:
            raise ValueError(f"init_std is {self.init_std}, but must be above 0")
        for key in ("dropout", "attention_dropout"):
            if not 0 <= getattr(self, key) < 1:
                raise ValueError(f"{key} is {getattr(self, key)}, but must be in [0, 1)")


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


def masked_loss(model: Any, batch: MaskedBatch) -> torch.Tensor:
    """A micro-batch's share of the mean cross-entropy (nats) over the update's masked tokens."""
    hidden = model.roberta(batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
    index = batch.positions.unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
    logits = model.lm_head(hidden.gather(1, index))
    total = functional.cross_entropy(
        logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORE, reduction="sum"
    )
    return total / batch.count


def compile_parts(model: RobertaForMaskedLM) -> None:
    """Have torch.compile fuse the encoder and the head, the two parts that `masked_loss` calls."""
    model.roberta.compile()
    model.lm_head.compile()
