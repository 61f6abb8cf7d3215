"""Which optimizers fairseq can train with."""

from __future__ import annotations

from pipeline.errors import UserError
from pipeline.training.optimizers import AdamW, Optimizer


def adam(optimizer: Optimizer) -> AdamW:
    """The constants for fairseq's ``--optimizer adam``, which decays as AdamW does.

    Raises:
        UserError: the recipe names another optimizer.
    """
    if not isinstance(optimizer, AdamW):
        raise UserError(
            "params.yaml: pretrain.backend is fairseq, which trains with adamw only: set "
            f"pretrain.recipe.optimizer.name to adamw, not {optimizer.name}"
        )
    return optimizer
