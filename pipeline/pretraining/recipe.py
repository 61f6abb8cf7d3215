"""What is pretrained, and by which recipe: the numbers that Liu et al. 2019 list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pipeline.common.checked import Count, Index, Positive, Range, Rate, Share, Size, check_fields
from pipeline.training.optimizers import AdamW, Optimizer
from pipeline.training.precision import Precision
from pipeline.training.schedules import ScheduleName


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

    total_steps: Count = 200_000
    batch: Size = 1024
    micro_batch: Size = 64
    length: Annotated[int, Range(least=8, ceiling=1_000_000)] = 512
    learning_rate: Rate = 3e-4
    warmup_steps: Index = 10_000
    schedule: ScheduleName = "linear"
    optimizer: Optimizer = field(default_factory=lambda: AdamW(weight_decay=0.01))
    mask_probability: Annotated[float, Range(above=0, below=1)] = 0.15
    precision: Precision = "fp32"
    compile: bool = False
    cuda_graphs: bool = False
    log_every: Count = 100
    save_every: Count = 1000

    def __post_init__(self) -> None:
        check_fields(self)
        if self.warmup_steps > self.total_steps:
            raise ValueError(f"warmup_steps is {self.warmup_steps}, but must be 0 … total_steps")
        if self.save_every % self.log_every:
            raise ValueError(
                f"save_every is {self.save_every}, but must be a multiple of log_every"
            )
        if self.cuda_graphs and not self.compile:
            raise ValueError("cuda_graphs is true, but needs compile: true")


@dataclass(frozen=True)
class ModelConfig:
    """RoBERTa's sizes; the defaults are RoBERTa-Base (method §3).

    ``init_std`` suits a width of 768; narrow models learn sooner from wider weights.
    """

    layers: Annotated[int, Range(least=1, ceiling=10_000)] = 12
    width: Size = 768
    heads: Size = 12
    feed_forward: Size = 3072
    positions: Size = 512
    dropout: Share = 0.1
    attention_dropout: Share = 0.1
    init_std: Positive = 0.02

    def __post_init__(self) -> None:
        check_fields(self)
        if self.width % self.heads:
            raise ValueError(f"width is {self.width}, but must be a multiple of heads {self.heads}")
