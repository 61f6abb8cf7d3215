"""A model's hidden states on the rows of a split, one vector a row and layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.finetuning.batches import model_inputs
from pipeline.tasks import Split
from pipeline.taskspaces.representation.result import State


@torch.no_grad()
def hidden_states(model: nn.Module, split: Split, batch: int) -> dict[State, np.ndarray]:
    """(layers + 1, rows, width) of each kind of state, the embeddings' output first.

    Of a model with an encoder and a decoder they are the encoder's.

    Raises:
        UserError: the model gives none.
    """
    model.eval()
    device = next(model.parameters()).device
    order = np.argsort([len(row) for row in split.input_ids], kind="stable")
    found: dict[State, list[np.ndarray]] = {"first": [], "mean": []}
    for start in range(0, len(order), batch):
        inputs = model_inputs(split, order[start : start + batch], device)
        layers = _layers(model(**inputs, output_hidden_states=True))
        shown = inputs["attention_mask"][None, :, :, None]
        means = (layers * shown).sum(2) / shown.sum(2)
        found["first"].append(layers[:, :, 0].cpu().numpy())
        found["mean"].append(means.cpu().numpy())
    back = np.argsort(order)
    return {state: np.concatenate(parts, axis=1)[:, back] for state, parts in found.items()}


def _layers(output: Any) -> torch.Tensor:
    """(layers + 1, rows, tokens, width)."""
    for name in ("hidden_states", "encoder_hidden_states"):
        states = getattr(output, name, None)
        if states is not None:
            return torch.stack(list(states)).float()
    raise UserError(
        "this model does not give its hidden states, which representation needs: leave the section "
        "out"
    )


def distinct(split: Split) -> Split:
    """The split without rows whose tokens are those of an earlier one: they lie on one point."""
    first = {row.tobytes(): place for place, row in reversed([*enumerate(split.input_ids)])}
    return split.take(np.sort(np.array(list(first.values()), dtype=int)))
