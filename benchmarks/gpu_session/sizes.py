"""Subspace steps of decoders of 1 to 3 G parameters: what they hold, beside the estimate."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.decoders import decoder_config, decoder_parameters, decoder_size
from benchmarks.gpu_session.measuring import Emit, begin, peak, seconds
from benchmarks.gpu_session.work import Work
from pipeline.estimate.memory import TrainingMemory
from pipeline.models.opening import compute_in_bfloat16, recompute_activations
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters

_OPTIMIZER = AdamW(weight_decay=0.0)


def measure(work: Work, device: torch.device, emit: Emit) -> None:
    """Whole steps with weights in bfloat16 and activations computed anew, the smallest first."""
    d, rows, length = work.step_dims[0], work.batch, work.block
    for parameters in work.decoders:
        begin(device)
        step = _step(parameters, d, rows, length, device)
        taken = seconds(step, max(1, work.repeats // 2), device)
        size = decoder_size(parameters)
        expected = TrainingMemory(
            size, decoder_parameters(size), "bf16_weights", True, rows * length
        ).subspace(d, _OPTIMIZER)
        emit(
            {
                "case": f"{decoder_parameters(size) / 1e9:.2f} G, d = {d:,}, {rows} × {length}",
                "step ms": 1e3 * taken,
                "estimate GiB": expected.total / 2**30,
                **peak(device),
            }
        )


def _step(
    parameters: float, d: int, rows: int, length: int, device: torch.device
) -> Callable[[], None]:
    """A call that makes one whole step."""
    from transformers import LlamaForSequenceClassification

    size = decoder_size(parameters)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with device:
        model = LlamaForSequenceClassification(decoder_config(size)).train()
    torch.set_default_dtype(torch.float32)
    recompute_activations(model)
    compute_in_bfloat16(model)
    flat = FlatParameters(model)
    subspace = Subspace(flat, SubspaceConfig(), d, 0)
    optimizer = make_optimizer(subspace.vector, _OPTIMIZER)
    ids = torch.randint(5, size.vocabulary, (rows, length), device=device)
    labels = torch.zeros(rows, dtype=torch.int64, device=device)

    def step() -> None:
        subspace.materialize()
        subspace.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        subspace.pull_back()
        optimizer.step()

    return step
