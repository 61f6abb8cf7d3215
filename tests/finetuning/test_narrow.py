"""Weights in bfloat16, and activations computed anew."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.common.artifacts import sha256
from pipeline.common.manifest import MODEL_MANIFEST
from pipeline.dimension.record import Probe
from pipeline.errors import UserError
from pipeline.finetuning import loop
from pipeline.finetuning.batches import Batches
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.models.opening import open_for_task
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.sharing.apply import apply_task
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.task_vector import load_task_vector
from pipeline.training.optimizers import make_optimizer
from pipeline.training.parameters import FlatParameters
from pipeline.training.precision import Precision
from tests.families import write_family
from tests.worlds import FINETUNE

TASK = "polarity_short"
NARROW = replace(FINETUNE, epochs=1, precision="bf16_weights", recompute=True, dropout=0.1)
PROBE = Probe(64, 0, 1e-2)


def opened(world: Path, config: FinetuneConfig = NARROW, *, subspace: bool = True) -> Cell:
    return Cell.open(
        name="s0", task=TASK, model_dir=world / "model", task_dir=world / TASK, config=config,
        seed=0, subspace=subspace, device=torch.device("cpu"),
    )  # fmt: skip


def runner(cell: Cell, scratch: Path, config: FinetuneConfig = NARROW) -> ProbeRunner:
    return ProbeRunner(cell, SubspaceConfig(), config, ProbeTraining(), scratch)


def of_size(least: int) -> set[int]:
    """Where living tensors with so many numbers lie; Fastfood's factors on a CPU aside.

    Sparse tensors, which another test may have left, lie in no one place.
    """
    gc.collect()
    tensors = [item for item in gc.get_objects() if type(item) in (torch.Tensor, nn.Parameter)]
    return {
        one.untyped_storage().data_ptr()
        for one in tensors
        if one.layout is torch.strided and one.numel() >= least and one.dtype != torch.float16
    }


def test_nothing_of_the_models_size_is_there_but_weights_start_and_gradient(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of_size(1)
    cell = opened(world)
    made: list[torch.optim.Optimizer] = []
    living: list[set[int]] = []

    def making(*arguments: object) -> torch.optim.Optimizer:
        made.append(make_optimizer(*arguments))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(loop, "make_optimizer", making)
    runner(cell, tmp_path).train(PROBE, lambda curve: living.append(of_size(cell.flat.size)))
    (optimizer,) = made
    state = [item for kept in optimizer.state.values() for item in kept.values()]
    assert {item.numel() for item in state} == {1, PROBE.d}
    own = {item.untyped_storage().data_ptr() for item in (cell.flat.values, cell.flat.grads)}
    own.add(cell.origin.untyped_storage().data_ptr())
    (during,) = living
    assert during - before == own
    assert cell.flat.values.dtype == cell.flat.grads.dtype == cell.origin.dtype == torch.bfloat16


def test_two_trainings_give_the_same_bytes(world: Path, tmp_path: Path) -> None:
    files, records = [], []
    for name in ("one", "two"):
        trained = runner(opened(world), tmp_path / name)
        records.append(trained.run(PROBE))
        files.append(trained.vector_path(records[-1]).read_bytes())
    assert files[0] == files[1] and records[0] == records[1]
    start = load_task_vector(trained.vector_path(records[-1]))
    assert isinstance(start.vector, torch.Tensor)
    assert start.vector.dtype == torch.float32 and start.weights == "bfloat16"


def test_the_file_restores_the_weights_bit_for_bit(world: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    cell = opened(world)
    trained = runner(cell, tmp_path)
    path = trained.vector_path(trained.run(PROBE))
    assert not torch.equal(cell.flat.values, cell.origin)
    apply_task(world / "model", path, tmp_path / "applied")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "applied")
    restored = torch.cat([item.detach().view(-1) for item in model.parameters()])
    assert restored.dtype == torch.bfloat16
    assert torch.equal(restored.view(torch.int16), cell.flat.values.view(torch.int16))


def test_it_is_not_restored_into_other_numbers(world: Path, tmp_path: Path) -> None:
    trained = runner(opened(world), tmp_path)
    task = load_task_vector(trained.vector_path(trained.run(PROBE)))
    wide = opened(world, subspace=False)
    checkpoint = sha256(world / "model" / MODEL_MANIFEST)
    with pytest.raises(UserError, match="weights in bfloat16, but the model's are in float32"):
        task.apply(wide.flat, checkpoint)


def test_the_start_is_the_checkpoint_rounded_and_the_same_head(world: Path) -> None:
    narrow, wide = opened(world), opened(world, subspace=False)
    assert wide.flat.values.dtype == torch.float32
    assert torch.equal(narrow.flat.values, wide.flat.values.bfloat16())


def gradient(world: Path, precision: Precision, recompute: bool) -> tuple[torch.Tensor, int]:
    """A batch's gradient with dropout, and the bytes that were kept for it beside weights."""
    cell = opened(world, replace(NARROW, precision=precision, recompute=recompute))
    weights, kept = cell.flat.values.untyped_storage().data_ptr(), {}

    def keep(item: torch.Tensor) -> torch.Tensor:
        storage = item.untyped_storage()
        if storage.data_ptr() != weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return item

    (batch,) = Batches(cell.data.train, 16, 1, 0, torch.device("cpu"))(0)
    cell.network.train()
    torch.manual_seed(0)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda item: item):
        loss = cell.network(**batch).loss
    loss.backward()
    return cell.flat.grads.clone(), sum(kept.values())


@pytest.mark.parametrize("precision", ["fp32", "bf16", "bf16_weights"])
def test_computed_anew_activations_give_the_same_gradient_for_less(
    world: Path, precision: Precision
) -> None:
    whole, much = gradient(world, precision, recompute=False)
    again, little = gradient(world, precision, recompute=True)
    assert whole.any()
    torch.testing.assert_close(again, whole)
    assert little < 0.5 * much


def test_an_architecture_that_cannot_is_named(world: Path, tmp_path: Path) -> None:
    folder = write_family("albert", world / "tokenizer", tmp_path / "albert")
    with pytest.raises(UserError, match=r"of type albert, .* set the task's finetune.recompute"):
        open_for_task(
            folder, outputs=2, problem="single_label_classification", dropout=None, seed=0,
            recompute=True, device=torch.device("cpu"),
        )  # fmt: skip


def test_rotary_positions_are_not_rounded(world: Path, tmp_path: Path) -> None:
    folder = write_family("llama", world / "tokenizer", tmp_path / "llama")
    model = open_for_task(
        folder, outputs=2, problem="single_label_classification", dropout=None, seed=0,
        precision="bf16_weights", device=torch.device("cpu"),
    )  # fmt: skip
    assert FlatParameters(model).values.dtype == torch.bfloat16
    floating = [item.dtype for item in model.buffers() if item.is_floating_point()]
    assert floating and set(floating) == {torch.float32}
