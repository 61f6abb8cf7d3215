"""Floating-point operations of any model, counted from the products that a forward pass makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Three points fix the parabola; short ones are enough, for it is exact.
_LENGTHS = (8, 16, 24)


@dataclass(frozen=True)
class TokenCost:
    """FLOP a token of a forward pass: ``weights`` + ``attention`` · length.

    What a pass costs whatever its length, as a pooler, is left out.
    """

    weights: float
    attention: float

    def __post_init__(self) -> None:
        assert self.weights > 0 <= self.attention, "products were missed: costs cannot fall"

    def evaluation_flop(self, length: float) -> float:
        """FLOP a token of a forward pass over rows of this length."""
        return self.weights + self.attention * length

    def training_flop(self, length: float) -> float:
        """FLOP a token of a forward and a backward pass, three times the forward one's."""
        return 3 * self.evaluation_flop(length)


def token_cost(model: PreTrainedModel) -> TokenCost:
    """Count a classifier's matrix products at three lengths; it holds for any architecture.

    Attention counts as full, whatever window or causal mask a model has.
    """
    first, second, third = (_forward_flop(model, length) for length in _LENGTHS)
    step = _LENGTHS[1] - _LENGTHS[0]
    attention = (third - 2 * second + first) / (2 * step**2)
    weights = (second - first) / step - attention * (_LENGTHS[0] + _LENGTHS[1])
    return TokenCost(weights, attention)


def _forward_flop(model: PreTrainedModel, length: int) -> int:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    device = next(model.parameters()).device
    config = model.config
    special = {config.pad_token_id, config.eos_token_id}
    plain = next(number for number in range(3) if number not in special)
    ids = torch.full((1, length), plain, device=device)
    if config.is_encoder_decoder:
        # These classify from where the text ends.
        ids[:, -1] = config.eos_token_id
    training = model.training
    model.eval()
    # The plain kernel is made of the products that are counted; fused ones may not be known.
    counter = FlopCounterMode(display=False, custom_mapping=_counted())
    with counter, sdpa_kernel(SDPBackend.MATH):
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    model.train(training)
    return int(counter.get_total_flops())


def _counted() -> dict[Any, Callable[..., int]]:
    """Products that torch's counter does not know: oneDNN's, which long rows may go through."""
    return {torch.ops.aten.mkldnn_linear: _linear_flop}


def _linear_flop(x: torch.Size, weight: torch.Size, *_: object, **__: object) -> int:
    return 2 * x.numel() * weight[0]
