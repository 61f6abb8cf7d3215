"""The optimizers that params.yaml can name, each with its constants, over one flat vector.

A section ``optimizer`` names one of the classes here. ``weight_decay`` is the one constant that
pretraining, fine-tuning and probes set differently, so it has no default of its own: a section that
is written must say it, and where none is written the place's own default holds. torch is imported
where an optimizer is made, because params.yaml is read without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipeline.common.checked import NotNegative, Positive, Share, check_fields

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """AdamW (Loshchilov and Hutter 2019); its decay is no part of the gradient."""

    name: Literal["adamw"] = "adamw"
    betas: tuple[Share, Share] = (0.9, 0.98)
    eps: Positive = 1e-6
    weight_decay: NotNegative

    def __post_init__(self) -> None:
        check_fields(self)

    def state_names(self) -> tuple[str, ...]:
        """What torch keeps for the vector: the first and second moments of the gradient."""
        return ("exp_avg", "exp_avg_sq")

    def make(self, vector: torch.Tensor) -> torch.optim.Optimizer:
        """Torch's optimizer, in one fused pass over the vector."""
        import torch

        return torch.optim.AdamW(
            [vector],
            lr=0.0,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=True,
        )


@dataclass(frozen=True, kw_only=True)
class SGD:
    """Gradient descent with momentum; the decay is added to the gradient, as torch does."""

    name: Literal["sgd"] = "sgd"
    momentum: Share = 0.9
    nesterov: bool = False
    weight_decay: NotNegative

    def __post_init__(self) -> None:
        check_fields(self)
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov is true, but needs a momentum above 0")

    def state_names(self) -> tuple[str, ...]:
        """What torch keeps for the vector: the running sum of gradients, if there is momentum."""
        return ("momentum_buffer",) if self.momentum else ()

    def make(self, vector: torch.Tensor) -> torch.optim.Optimizer:
        """Torch's optimizer over the vector."""
        import torch

        return torch.optim.SGD(
            [vector],
            lr=0.0,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


# A further one of torch.optim's is one more class here. Its state must be vectors that are zeros
# before the first update.
Optimizer = AdamW | SGD


def make_optimizer(vector: torch.Tensor, config: Optimizer) -> torch.optim.Optimizer:
    """The named optimizer over the one tensor that a trainable exposes.

    Every entry is decayed, as in fairseq. The learning rate is 0 until the loop sets it.

    Args:
        vector: what is trained (D,) or (d,), with its gradient in ``grad``.
        config: the optimizer's name and constants.
    """
    return config.make(vector)
