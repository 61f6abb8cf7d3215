"""What the parts share: how a row looks, times, memory, and the classifier that is measured."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch

from benchmarks.gpu_session.work import Work

if TYPE_CHECKING:
    from transformers import RobertaForSequenceClassification

# A result: what was measured, under "case", and figures whose names say their units.
Row = Mapping[str, str | float]
Emit = Callable[[Row], None]

_WARM_UP = 3


def seconds(call: Callable[[], None], repeats: int, device: torch.device, calls: int = 1) -> float:
    """Median time of a call over ``repeats`` times ``calls`` of them, after some to warm up."""
    times = []
    for repeat in range(repeats + _WARM_UP):
        _wait(device)
        start = time.perf_counter()
        for _ in range(calls):
            call()
        _wait(device)
        if repeat >= _WARM_UP:
            times.append((time.perf_counter() - start) / calls)
    return statistics.median(times)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def begin(device: torch.device) -> None:
    """Forget what the case before left: compiled code, memory, and its peak."""
    torch.compiler.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak(device: torch.device) -> dict[str, float]:
    """The most memory since `begin`, where the device counts it."""
    if device.type != "cuda":
        return {}
    return {"peak GiB": torch.cuda.max_memory_allocated() / 2**30}


def allocated(device: torch.device) -> int:
    """Bytes in use; 0 where the device does not count them."""
    return torch.cuda.memory_allocated() if device.type == "cuda" else 0


def classifier(work: Work, device: torch.device) -> RobertaForSequenceClassification:
    """A RoBERTa for classification with random weights, the same each time."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    sizes = work.model
    config = RobertaConfig(
        vocab_size=work.vocabulary, hidden_size=sizes.width, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads, intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions + 2, type_vocab_size=1,
    )  # fmt: skip
    torch.manual_seed(0)
    return RobertaForSequenceClassification(config).to(device)
