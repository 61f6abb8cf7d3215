"""What a cell of SST-2's size costs: trainings by the pipeline's own loop, evaluations included."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from benchmarks.gpu_session.measuring import Emit, begin, classifier, peak
from benchmarks.gpu_session.work import Work
from pipeline.common.seeds import numpy_generator
from pipeline.finetuning.loop import EpochScore, fine_tune
from pipeline.finetuning.recipe import Recipe
from pipeline.models.opening import compute_in_bfloat16
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.tasks import Split
from pipeline.tasks.kinds import make_kind
from pipeline.training.optimizers import AdamW
from pipeline.training.parameters import FlatParameters, Full

# Mean tokens of a row of SST-2 in either split, and epochs of probes that the efficient search of a
# cell of that size takes (benchmarks/RESULTS.md: what the paper preset costs, simulated cells).
_TRAIN_TOKENS, _EVAL_TOKENS, _PROBE_EPOCHS = 14.1, 25.9, 31.6
_LEAST, _MOST = 4, 66
_RATES = 3


def measure(work: Work, device: torch.device, emit: Emit) -> None:
    """An epoch of a probe and a whole full fine-tuning; a row an epoch, in seconds since the last.

    Weights and labels are random: nothing is learned, and what is computed is the same. The last
    row is what a whole cell comes to, full fine-tuning by the paper's protocol and the search by
    the efficient one.
    """
    splits = (
        _split(work, work.train_rows, _TRAIN_TOKENS),
        _split(work, work.eval_rows, _EVAL_TOKENS),
    )
    recipe = Recipe(work.epochs, 32, 1e-5, 0.06, AdamW(weight_decay=0.1))
    d = work.step_dims[0]
    probe = _train(work, device, emit, splits, replace(recipe, epochs=1), d)
    full = _train(work, device, emit, splits, recipe, None)
    hours = (_RATES * full + _PROBE_EPOCHS * probe) / 3600
    emit({"case": f"{_RATES} full fine-tunings, {_PROBE_EPOCHS} epochs of probes", "hours": hours})


def _train(
    work: Work,
    device: torch.device,
    emit: Emit,
    splits: tuple[Split, Split],
    recipe: Recipe,
    d: int | None,
) -> float:
    """Seconds of a training of d numbers, or of all parameters."""
    begin(device)
    model = classifier(work, device)
    compute_in_bfloat16(model)
    flat = FlatParameters(model)
    trainable = Full(flat) if d is None else Subspace(flat, SubspaceConfig(), d, 0)
    name = "full fine-tuning" if d is None else f"probe, d = {d:,}"
    start = last = time.perf_counter()

    def report(score: EpochScore) -> None:
        nonlocal last
        now = time.perf_counter()
        case = f"{name}, epoch {score.epoch} of {recipe.epochs}"
        emit({"case": case, "seconds": now - last, **peak(device)})
        last = now

    fine_tune(model, trainable, *splits, recipe, 0, on_epoch=report)
    # The metric on the training rows comes after the last epoch.
    taken = time.perf_counter() - start
    emit({"case": f"{name}, whole", "seconds": taken, **peak(device)})
    return taken


def _split(work: Work, rows: int, tokens: float) -> Split:
    """Random rows whose lengths scatter about their mean as those of sentences do."""
    generator = numpy_generator(0, "rows", rows)
    lengths = _LEAST + np.rint(generator.exponential(tokens - _LEAST, rows))
    ids = [
        generator.integers(4, work.vocabulary - 1, int(length)).astype(np.int32)
        for length in np.clip(lengths, _LEAST, min(_MOST, work.model.positions))
    ]
    kind = make_kind("classification", ("negative", "positive"))
    return Split(ids, generator.integers(0, 2, rows), 1, kind)
