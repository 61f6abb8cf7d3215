"""In which numbers a model computes. Read without torch."""

from __future__ import annotations

from typing import Literal

# fp32: in float32. bf16: under bfloat16 autocast, with float32 weights. bf16_weights: with weights
# in bfloat16, each place saying what it keeps in float32 beside them.
Precision = Literal["fp32", "bf16", "bf16_weights"]
