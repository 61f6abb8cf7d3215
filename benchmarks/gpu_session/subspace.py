"""How fast a subspace's step is, against the memory's speed and against a full AdamW step."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.gpu_session.measuring import Emit, allocated, begin, classifier, peak, seconds
from benchmarks.gpu_session.work import Work
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import FlatParameters, Full


def measure_projection(work: Work, device: torch.device, emit: Emit) -> None:
    """`materialize` and `pull_back` over d, as fractions of the memory's speed (SAID, fp32).

    That speed is what one read of θ₀ plus one write of θ take, at the rate at which D parameters
    are copied in the same run. ``kept`` is what stays on the device beside θ₀ and the d numbers.
    """
    begin(device)
    flat = FlatParameters(classifier(work, device))
    flat.grads.normal_()
    copying = seconds(lambda: _copy(flat), work.repeats, device)
    speed = 2 * flat.values.nbytes / copying / 1e9
    emit({"case": f"copy of D = {flat.size:,}", "materialize ms": 1e3 * copying, "GB/s": speed})
    for d in work.dims:
        before = allocated(device)
        subspace = Subspace(flat, SubspaceConfig(), d, 0)
        made = allocated(device)
        subspace.vector[: d - subspace.layers] = 0.01
        write = seconds(subspace.materialize, work.repeats, device)
        pull = seconds(subspace.pull_back, work.repeats, device)
        # θ₀ and the d numbers with their gradient come with any projection.
        kept = {"kept MB": (allocated(device) - made) / 1e6} if made > before else {}
        emit(
            {
                "case": f"d = {d:,}",
                "materialize ms": 1e3 * write,
                "of copy speed": copying / write,
                "pull_back ms": 1e3 * pull,
                "pull_back of copy speed": copying / pull,
                **kept,
            }
        )


def _copy(flat: FlatParameters) -> None:
    flat.grads.copy_(flat.values)


def measure_steps(work: Work, device: torch.device, emit: Emit) -> None:
    """A whole step (forward, backward, optimizer) under bf16 autocast: full AdamW, then SAID."""
    full = 0.0
    for d in (None, *work.step_dims):
        begin(device)
        taken = seconds(training_step(work, device, d), work.repeats, device)
        full = full or taken
        name = "full AdamW" if d is None else f"SAID, d = {d:,}"
        emit(
            {
                "case": f"{name}, {work.batch} × {work.length}",
                "step ms": 1e3 * taken,
                "of a full step": taken / full,
                **peak(device),
            }
        )


def training_step(work: Work, device: torch.device, d: int | None) -> Callable[[], None]:
    """A call that makes one whole step; all parameters are trained where ``d`` is None."""
    model = classifier(work, device).train()
    flat = FlatParameters(model)
    trainable = Full(flat) if d is None else Subspace(flat, SubspaceConfig(), d, 0)
    fused = device.type == "cuda"
    optimizer = torch.optim.AdamW([trainable.vector], lr=1e-5, weight_decay=0.1, fused=fused)
    ids = torch.randint(5, work.vocabulary, (work.batch, work.length), device=device)
    labels = torch.zeros(work.batch, dtype=torch.int64, device=device)

    def step() -> None:
        trainable.materialize()
        trainable.zero_grad()
        with torch.autocast(device.type, torch.bfloat16):
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        trainable.pull_back()
        optimizer.step()

    return step
