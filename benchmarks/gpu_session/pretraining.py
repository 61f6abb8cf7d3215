"""How fast RoBERTa-Base pretrains, what each lever gives, and fine-tuning's overhead.

Pretraining: tokens/s of whole updates through the loop that the pipeline runs; MFU at the FLOP a
token that `pipeline.training.cost` counts, against the matrix-product rate measured in the same
run. Rows end in up to 25 tokens of padding, as blocks of whole sentences do. One lever is the model
as transformers computes it, the head on masked positions only; MFU counts the same FLOP for it and
for the others, which leave some out (`pipeline/pretraining/encoder.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from benchmarks.gpu_session.measuring import Emit, begin, classifier, peak, seconds
from benchmarks.gpu_session.work import Work
from benchmarks.whole_encoder import whole_encoder
from pipeline.pretraining.halves import Halves
from pipeline.pretraining.masking import MaskedBatch
from pipeline.pretraining.mlm import build_model, compiled_loss, masked_loss
from pipeline.training.device import product_rate
from pipeline.training.loop import train
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters, Full
from pipeline.training.precision import Precision
from pipeline.training.schedules import schedule

_PAPER_TOKENS = 200_000 * 1024 * 512
_PADDING = 25  # tokens at a block's end, at most
_UPDATES, _STEPS = 3, 10  # of which a time is the mean


@dataclass(frozen=True)
class Levers:
    """How the same step is computed."""

    precision: Precision = "fp32"
    whole_encoder: bool = False
    compiled: bool = False
    cuda_graphs: bool = False
    attention_dropout: bool = True


_COMPILED = Levers("bf16", compiled=True)
# What a long pretraining would use first.
LEVERS = {
    "bf16 weights, compiled, CUDA graphs": Levers("bf16_weights", compiled=True, cuda_graphs=True),
    "bf16 autocast": Levers("bf16"),
    "bf16 autocast, compiled": _COMPILED,
    "bf16 autocast, compiled, CUDA graphs": replace(_COMPILED, cuda_graphs=True),
    "bf16 weights, compiled": replace(_COMPILED, precision="bf16_weights"),
    "bf16 autocast, the whole last block": Levers("bf16", whole_encoder=True),
    "float32": Levers(),
    "bf16 autocast, compiled, no attention dropout (not the recipe)": replace(
        _COMPILED, attention_dropout=False
    ),
}


def measure(work: Work, device: torch.device, emit: Emit) -> None:
    """Whole updates of pretraining, a lever each; CUDA graphs only where there is CUDA."""
    rate = product_rate(device, torch.bfloat16)
    per_token = work.size().training_flop(work.block, 0.15)
    tokens = work.micro_batch * work.block * work.micro_batches
    emit({"case": "matrix products in bf16", "TFLOP/s": rate / 1e12})
    for name, levers in LEVERS.items():
        if levers.cuda_graphs and device.type != "cuda":
            continue
        begin(device)
        taken = seconds(
            pretraining_step(work, levers, device), max(1, work.repeats // 2), device, _UPDATES
        )
        speed = tokens / taken
        emit(
            {
                "case": name,
                "tokens/s": speed,
                "MFU": speed * per_token / rate,
                "hours for 200k × 1024 × 512": _PAPER_TOKENS / speed / 3600,
                **peak(device),
            }
        )


def pretraining_step(work: Work, levers: Levers, device: torch.device) -> Callable[[], None]:
    """A call that makes one whole update through the pipeline's training loop."""
    attention = work.model.attention_dropout if levers.attention_dropout else 0.0
    config = replace(work.model, attention_dropout=attention)
    model = build_model(config, work.vocabulary, work.special(), 0).to(device)
    summed = compiled_loss(levers.cuda_graphs) if levers.compiled else None
    if levers.whole_encoder:
        summed = whole_encoder
    batch = _masked(work, device)

    def loss(model: Any, batch: MaskedBatch) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=levers.precision == "bf16"):
            return masked_loss(model, batch, summed)

    flat = FlatParameters(model)
    halves = Halves(model, flat) if levers.precision == "bf16_weights" else None
    trainable = halves or Full(flat)
    steps = train(
        halves.model if halves else model,
        trainable,
        make_optimizer(trainable.vector, AdamW(weight_decay=0.01)),
        schedule("constant", 1e-4, 0, 1),
        lambda index: [batch] * work.micro_batches,
        loss,
        seed=0,
        start=0,
        stop=1 << 40,
    )
    return lambda: float(next(steps).loss) and None


def _masked(work: Work, device: torch.device) -> MaskedBatch:
    generator = torch.Generator().manual_seed(0)
    slots = int(0.15 * work.block) + 1

    def draw(high: int, *shape: int) -> torch.Tensor:
        return torch.randint(4, high, shape, generator=generator).to(device)

    ends = draw(_PADDING, work.micro_batch, 1)
    mask = (torch.arange(work.block, device=device) < work.block - ends).long()
    ids = draw(work.vocabulary - 1, work.micro_batch, work.block)
    return MaskedBatch(
        ids.where(mask.bool(), work.special().pad),
        mask,
        draw(work.block - _PADDING, work.micro_batch, slots),
        draw(work.vocabulary - 1, work.micro_batch, slots),
        work.micro_batch * slots * work.micro_batches,
    )


def measure_overhead(work: Work, device: torch.device, emit: Emit) -> None:
    """A step of full fine-tuning at short rows, and how much of it the GPU is idle."""
    for name, compiled in (("bf16 autocast", False), ("bf16 autocast, compiled", True)):
        begin(device)
        figures = _overhead(finetuning_step(work, device, compiled), work, device)
        emit({"case": f"{name}, {work.batch} × {work.length // 2}", **figures, **peak(device)})


def _overhead(step: Callable[[], None], work: Work, device: torch.device) -> dict[str, float]:
    """Times of a step, and of the kernels in it where a GPU runs them."""
    wall = seconds(step, max(1, work.repeats // 2), device, _STEPS)
    busy = {"GPU busy ms": 1e3 * _busy(step)} if device.type == "cuda" else {}
    return {"step ms": 1e3 * wall, **busy}


def finetuning_step(work: Work, device: torch.device, compiled: bool) -> Callable[[], None]:
    """A call that makes one full fine-tuning update of rows half as long as a step of SAID's."""
    model = classifier(work, device)
    trainable = Full(FlatParameters(model))
    if compiled:
        model.compile()
    ids = torch.randint(4, work.vocabulary, (work.batch, work.length // 2), device=device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids[:, 0] % 2}

    def loss(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            result: torch.Tensor = model(**batch).loss
        return result

    steps = train(
        model,
        trainable,
        make_optimizer(trainable.vector, AdamW(weight_decay=0.01)),
        schedule("constant", 1e-5, 0, 1),
        lambda index: [inputs],
        loss,
        seed=0,
        start=0,
        stop=1 << 40,
    )
    return lambda: next(steps) and None


def _busy(step: Callable[[], None]) -> float:
    """Seconds of a call in which the GPU ran kernels."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as trace:
        for _ in range(_STEPS):
            step()
        torch.cuda.synchronize()
    return sum(event.self_device_time_total for event in trace.key_averages()) / 1e6 / _STEPS
