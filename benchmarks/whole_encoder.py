"""What `pipeline.pretraining.encoder` is compared with: the encoder as transformers computes it."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from pipeline.pretraining.masking import IGNORE


def whole_encoder(
    model: Any,
    ids: torch.Tensor,
    mask: torch.Tensor | None,
    positions: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """`summed_loss` with every block computed for every token, the head for masked ones only."""
    hidden = model.roberta(ids, attention_mask=mask).last_hidden_state
    index = positions.unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
    logits = model.lm_head(hidden.gather(1, index))
    return functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="sum"
    )
