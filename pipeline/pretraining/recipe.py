"""The recipe of pretraining: the numbers that Liu et al. 2019 list, and how it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.optim import OptimizerConfig, ScheduleName

Precision = Literal["fp32", "bf16", "bf16_weights"]


@dataclass(frozen=True)
class PretrainConfig:
    """The recipe of Liu et al. 2019 as A21 used it (METHOD §3).

    ``total_steps`` is the schedule's horizon, which checkpoints may fall short of. ``micro_batch``
    rows go through the model at a time; it changes memory and rounding, not the recipe.
    ``precision: bf16`` computes in bfloat16 under autocast, with weights, gradients and the
    optimizer in float32; ``bf16_weights`` computes with a bfloat16 copy of the weights, without
    autocast: the optimizer still updates float32 ones, and micro-batches add up in float32.
    ``compile`` has torch.compile fuse the model, whose dropout then draws other numbers;
    ``cuda_graphs`` also records its kernels and starts them as one. ``log_every`` and
    ``save_every`` are counted in updates.
    """

    total_steps: int = 200_000
    batch: int = 1024
    micro_batch: int = 64
    length: int = 512
    learning_rate: float = 3e-4
    warmup_steps: int = 10_000
    schedule: ScheduleName = "linear"
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    weight_decay: float = 0.01
    mask_probability: float = 0.15
    precision: Precision = "fp32"
    compile: bool = False
    cuda_graphs: bool = False
    log_every: int = 100
    save_every: int = 1000

    def __post_init__(self) -> None:
        for key in ("total_steps", "batch", "micro_batch", "log_every", "save_every"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} is {getattr(self, key)}, but must be at least 1")
        if self.length < 8:
            raise ValueError(f"length is {self.length}, but must be at least 8")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}, but must be above 0")
        if not 0 <= self.warmup_steps <= self.total_steps:
            raise ValueError(f"warmup_steps is {self.warmup_steps}, but must be 0 … total_steps")
        if self.save_every % self.log_every:
            raise ValueError(
                f"save_every is {self.save_every}, but must be a multiple of log_every"
            )
        if not 0 < self.mask_probability < 1:
            raise ValueError(f"mask_probability is {self.mask_probability}, but must be in (0, 1)")
        if self.cuda_graphs and not self.compile:
            raise ValueError("cuda_graphs is true, but needs compile: true")
        self.optimizer()

    def optimizer(self) -> OptimizerConfig:
        """AdamW's constants."""
        return OptimizerConfig(self.betas, self.eps, self.weight_decay)
