"""How fast RoBERTa-Base pretrains on a GPU, what each lever gives, and fine-tuning's overhead.

    python -m benchmarks.pretraining_gpu [--repeats 5] [--smoke]

Prints Markdown. Pretraining: tokens/s of whole updates (four micro-batches of 64 × 512 tokens and
the optimizer's step) through the loop that the pipeline runs, as medians over the repeats; MFU at
the FLOP a token that `pipeline.training.cost` counts (601.5 MFLOP), against the matrix-product rate
measured in the same run; the hours that 200k updates of 1024 × 512 tokens take at that speed. Rows
end in up to 25 tokens of padding, as blocks of whole sentences do. The first row is the model as
transformers computes it, the head on masked positions only; MFU counts the same FLOP for it and for
the others, which leave some out (`pipeline/pretraining/encoder.py`). The last row leaves out
attention dropout and so is not the recipe. Fine-tuning: the wall time of a step at 32 × 64 tokens,
and how much of it the GPU was idle. `--smoke` runs all of it on any machine, CUDA graphs only where
there is CUDA, with a tiny model, to show that it works; its figures mean nothing.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from benchmarks.gpu import arguments, print_machine
from benchmarks.whole_encoder import whole_encoder
from pipeline.pretraining.halves import Halves
from pipeline.pretraining.masking import MaskedBatch
from pipeline.pretraining.mlm import build_model, compiled_loss, masked_loss
from pipeline.pretraining.packing import SpecialTokens
from pipeline.pretraining.recipe import ModelConfig, Precision
from pipeline.training.cost import EncoderSize
from pipeline.training.device import prepare, product_rate
from pipeline.training.loop import train
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters, Full
from pipeline.training.schedules import schedule

PAPER_TOKENS = 200_000 * 1024 * 512
_PADDING = 25  # tokens at a block's end, at most


@dataclass(frozen=True)
class Work:
    """One size of everything."""

    model: ModelConfig
    vocabulary: int
    rows: int
    length: int
    micro_batches: int
    updates: int

    def size(self) -> EncoderSize:
        """The sizes that the FLOP count needs."""
        model = self.model
        return EncoderSize(
            model.layers, model.width, model.feed_forward, self.vocabulary, model.positions
        )

    def special(self) -> SpecialTokens:
        """RoBERTa's special tokens."""
        return SpecialTokens(0, 1, 2, self.vocabulary - 1, 4)


BASE = Work(ModelConfig(), 50265, rows=64, length=512, micro_batches=4, updates=3)
SMOKE = Work(ModelConfig(1, 32, 2, 64, 64), 500, rows=4, length=64, micro_batches=2, updates=2)


@dataclass(frozen=True)
class Levers:
    """How the same step is computed."""

    precision: Precision = "fp32"
    whole_encoder: bool = False
    compiled: bool = False
    cuda_graphs: bool = False
    attention_dropout: bool = True


COMPILED = Levers("bf16", compiled=True)
LEVERS = {
    "bf16 autocast, the whole last block": Levers("bf16", whole_encoder=True),
    "float32": Levers(),
    "bf16 autocast": Levers("bf16"),
    "bf16 autocast, torch.compile": COMPILED,
    "bf16 autocast, torch.compile, CUDA graphs": replace(COMPILED, cuda_graphs=True),
    "bf16 weights, torch.compile": replace(COMPILED, precision="bf16_weights"),
    "bf16 weights, torch.compile, CUDA graphs": replace(
        COMPILED, precision="bf16_weights", cuda_graphs=True
    ),
    "bf16 autocast, torch.compile, no attention dropout (not the recipe)": replace(
        COMPILED, attention_dropout=False
    ),
}


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
    slots = int(0.15 * work.length) + 1

    def draw(high: int, *shape: int) -> torch.Tensor:
        return torch.randint(4, high, shape, generator=generator).to(device)

    ends = draw(_PADDING, work.rows, 1)
    mask = (torch.arange(work.length, device=device) < work.length - ends).long()
    ids = draw(work.vocabulary - 1, work.rows, work.length)
    return MaskedBatch(
        ids.where(mask.bool(), work.special().pad),
        mask,
        draw(work.length - _PADDING, work.rows, slots),
        draw(work.vocabulary - 1, work.rows, slots),
        work.rows * slots * work.micro_batches,
    )


def pretraining_table(work: Work, device: torch.device, repeats: int) -> list[str]:
    """Markdown rows: a lever each."""
    peak = product_rate(device, torch.bfloat16)
    per_token = work.size().training_flop(work.length, 0.15)
    tokens = work.rows * work.length * work.micro_batches
    lines = [
        f"Matrix products in bf16: {peak / 1e12:.0f} TFLOP/s; {per_token / 1e6:.1f} MFLOP a token.",
        "",
        "| pretraining | tokens/s | MFU | hours for 200k × 1024 × 512 | peak memory |",
        "|---|---|---|---|---|",
    ]
    for name, levers in LEVERS.items():
        if levers.cuda_graphs and device.type != "cuda":
            continue
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        rate = tokens / _median(pretraining_step(work, levers, device), work.updates, repeats)
        memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
        lines.append(
            f"| {name} | {rate:,.0f} | {100 * rate * per_token / peak:.1f} % "
            f"| {PAPER_TOKENS / rate / 3600:.1f} | {memory:.1f} GiB |"
        )
        torch.compiler.reset()
    return lines


def finetuning_table(work: Work, device: torch.device, repeats: int) -> list[str]:
    """Markdown rows: a step of full fine-tuning at 32 × 64 tokens, and its idle time."""
    lines = ["| fine-tuning at 32 × 64 | step | GPU busy | overhead |", "|---|---|---|---|"]
    for name, compiled in (("bf16 autocast", False), ("bf16 autocast, torch.compile", True)):
        step = finetuning_step(work, device, compiled)
        wall = _median(step, 10, repeats)
        busy = _busy(step, 10) if device.type == "cuda" else wall
        lines.append(
            f"| {name} | {1e3 * wall:.2f} ms | {1e3 * busy:.2f} ms | {1e3 * (wall - busy):.2f} ms |"
        )
        torch.compiler.reset()
    return lines


def finetuning_step(work: Work, device: torch.device, compiled: bool) -> Callable[[], None]:
    """A call that makes one full fine-tuning update at 32 × 64 tokens."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    sizes = work.model
    model = RobertaForSequenceClassification(
        RobertaConfig(
            vocab_size=work.vocabulary, hidden_size=sizes.width, num_hidden_layers=sizes.layers,
            num_attention_heads=sizes.heads, intermediate_size=sizes.feed_forward,
            max_position_embeddings=sizes.positions + 2, type_vocab_size=1,
        )
    ).to(device)  # fmt: skip
    trainable = Full(FlatParameters(model))
    if compiled:
        model.compile()
    ids = torch.randint(4, work.vocabulary, (32, min(64, sizes.positions)), device=device)
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


def _median(step: Callable[[], None], calls: int, repeats: int) -> float:
    """Median seconds of a call over timings of ``calls`` calls, after two to warm up."""
    times = []
    for repeat in range(repeats + 2):
        start = time.perf_counter()
        for _ in range(calls):
            step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if repeat >= 2:
            times.append((time.perf_counter() - start) / calls)
    return statistics.median(times)


def _busy(step: Callable[[], None], calls: int) -> float:
    """Seconds of a call in which the GPU ran kernels."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as trace:
        for _ in range(calls):
            step()
        torch.cuda.synchronize()
    return sum(event.self_device_time_total for event in trace.key_averages()) / 1e6 / calls


def main() -> int:
    """Print the tables, or say that there is no GPU."""
    chosen = arguments("pretraining and fine-tuning speed on a GPU", 5)
    if chosen is None:
        return 2
    work = SMOKE if chosen.smoke else BASE
    device = prepare(work.model.width)
    print_machine(device)
    print("\n".join(pretraining_table(work, device, chosen.repeats)), end="\n\n")
    print("\n".join(finetuning_table(work, device, chosen.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
