"""How fast a subspace's step is on a GPU, against the memory's speed and a full AdamW step.

    python -m benchmarks.subspace_gpu [--repeats 20] [--smoke]

Prints Markdown. First `materialize` and `pull_back` of RoBERTa-Base-shaped parameters (124.6 M,
SAID, fp32) for d from 100 to 4 million, each as a fraction of the memory's speed: the time that one
read of θ₀ plus one write of θ take at the copy speed measured in the same run, over the time taken.
Then a whole step (forward, backward, optimizer) at 32 × 128 tokens under bf16 autocast: full AdamW
against SAID at several d, with peak memory. `--smoke` runs all of it on any machine, with a tiny
model, to show that it works; its figures mean nothing.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from benchmarks.gpu import arguments, print_machine
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import FlatParameters, Full

if TYPE_CHECKING:
    from transformers import RobertaForSequenceClassification


@dataclass(frozen=True)
class Work:
    """One size of everything."""

    layers: int
    width: int
    vocabulary: int
    rows: int
    length: int
    dims: tuple[int, ...]
    step_dims: tuple[int, ...]


BASE = Work(
    12, 768, 50265, 32, 128,
    dims=(100, 1000, 4096, 16_384, 65_536, 262_144, 1_000_000, 4_000_000),
    step_dims=(1000, 16_384, 1_000_000),
)  # fmt: skip
SMOKE = Work(2, 32, 300, 2, 8, dims=(100, 5000), step_dims=(100,))


def build_model(work: Work, device: torch.device) -> RobertaForSequenceClassification:
    """A RoBERTa for classification with random weights."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    config = RobertaConfig(
        vocab_size=work.vocabulary, hidden_size=work.width, num_hidden_layers=work.layers,
        num_attention_heads=work.width // (64 if work.width >= 64 else 16),
        intermediate_size=4 * work.width, max_position_embeddings=514, type_vocab_size=1,
    )  # fmt: skip
    return RobertaForSequenceClassification(config).to(device)


def seconds(call: Callable[[], None], repeats: int, device: torch.device) -> float:
    """Median time of a call, after three to warm up."""
    times = []
    for repeat in range(repeats + 3):
        _wait(device)
        start = time.perf_counter()
        call()
        _wait(device)
        if repeat >= 3:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def copy_time(flat: FlatParameters, repeats: int) -> float:
    """Seconds for one read and one write of all parameters."""

    def copy() -> None:
        flat.grads.copy_(flat.values)

    return seconds(copy, repeats, flat.values.device)


def projection_table(work: Work, device: torch.device, repeats: int) -> list[str]:
    """Markdown: materialize and pull_back over d."""
    flat = FlatParameters(build_model(work, device))
    floor = copy_time(flat, repeats)
    speed = 2 * flat.values.nbytes / floor
    lines = [
        f"D = {flat.size:,}; copying it takes {1e3 * floor:.3f} ms ({speed / 1e9:,.0f} GB/s).",
        "",
        "| d | materialize | of copy speed | pull_back | of copy speed | state kept |",
        "|---|---|---|---|---|---|",
    ]
    flat.grads.normal_()
    for d in work.dims:
        before = _allocated(device)
        subspace = Subspace(flat, SubspaceConfig(), d, 0)
        made = _allocated(device)
        subspace.vector[: d - subspace.layers] = 0.01
        write = seconds(subspace.materialize, repeats, device)
        pull = seconds(subspace.pull_back, repeats, device)
        # θ₀ and the d numbers with their gradient come with any projection.
        kept = _allocated(device) - made if made > before else 0
        lines.append(
            f"| {d:,} | {1e3 * write:.3f} ms | {100 * floor / write:.0f} % "
            f"| {1e3 * pull:.3f} ms | {100 * floor / pull:.0f} % | {kept / 1e6:.1f} MB |"
        )
    return lines


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated() if device.type == "cuda" else 0


def step_table(work: Work, device: torch.device, repeats: int) -> list[str]:
    """Markdown: a whole training step, full and in subspaces."""
    lines = [
        f"| step at {work.rows} × {work.length} in bf16 | time | against AdamW | peak memory |",
        "|---|---|---|---|",
    ]
    full = 0.0
    for d in (None, *work.step_dims):
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        taken = seconds(training_step(work, device, d), repeats, device)
        full = full or taken
        peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
        name = "full AdamW" if d is None else f"SAID, d = {d:,}"
        lines.append(f"| {name} | {1e3 * taken:.2f} ms | {taken / full:.3f} | {peak:.2f} GiB |")
    return lines


def training_step(work: Work, device: torch.device, d: int | None) -> Callable[[], None]:
    """A call that makes one whole step; all parameters are trained where ``d`` is None."""
    model = build_model(work, device).train()
    flat = FlatParameters(model)
    trainable = Full(flat) if d is None else Subspace(flat, SubspaceConfig(), d, 0)
    fused = device.type == "cuda"
    optimizer = torch.optim.AdamW([trainable.vector], lr=1e-5, weight_decay=0.1, fused=fused)
    ids = torch.randint(5, work.vocabulary, (work.rows, work.length), device=device)
    labels = torch.zeros(work.rows, dtype=torch.int64, device=device)

    def step() -> None:
        trainable.materialize()
        trainable.zero_grad()
        with torch.autocast(device.type, torch.bfloat16):
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        trainable.pull_back()
        optimizer.step()

    return step


def main() -> int:
    """Print the tables, or say that there is no GPU."""
    chosen = arguments("speed of a subspace's step on a GPU", 20)
    if chosen is None:
        return 2
    work = SMOKE if chosen.smoke else BASE
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print_machine(device)
    print("\n".join(projection_table(work, device, chosen.repeats)), end="\n\n")
    print("\n".join(step_table(work, device, chosen.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
