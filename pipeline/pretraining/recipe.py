"""What is pretrained, and by which recipe: the numbers that Liu et al. 2019 list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pipeline.training.optimizers import AdamW, Optimizer
from pipeline.training.schedules import ScheduleName

Precision = Literal["fp32", "bf16", "bf16_weights"]


@dataclass(frozen=True)
class PretrainConfig:
    """The recipe of Liu et al. 2019 as A21 used it (method §3).

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
    optimizer: Optimizer = field(default_factory=lambda: AdamW(weight_decay=0.01))
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


@dataclass(frozen=True)
class ModelConfig:
    """RoBERTa's sizes; the defaults are RoBERTa-Base (method §3).

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
