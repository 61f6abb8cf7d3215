"""Pretraining with each optimizer: what a checkpoint holds of it, and going on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import UserError
from pipeline.pretraining import run
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.pretraining.recipe import PretrainConfig
from pipeline.pretraining.run import run_segment
from pipeline.training.optimizers import SGD, AdamW, Optimizer
from tests.pretraining.conftest import MODEL, RECIPE, identity, places
from tests.pretraining.test_run import Killed, digest

CPU = torch.device("cpu")
MOMENTUM = SGD(momentum=0.9, nesterov=True, weight_decay=0.01)
OPTIMIZERS = [MOMENTUM, SGD(momentum=0.0, weight_decay=0.01), AdamW(weight_decay=0.1)]


def made(recipe: PretrainConfig, data: Path, root: Path) -> Places:
    """Checkpoint s0 for the recipe's optimizer."""
    start = places(data, root, "s0")
    init_checkpoint(MODEL, 0, start, recipe.optimizer)
    return start


def state(place: Places) -> dict[str, torch.Tensor]:
    return load_file(place.state / "optimizer.safetensors")


@pytest.mark.parametrize("precision", ["fp32", "bf16_weights"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_segment_killed_on_the_way_and_two_segments_end_in_the_same_bytes(
    data: Path, tmp_path: Path, optimizer: Optimizer, precision: str
) -> None:
    recipe = replace(RECIPE, optimizer=optimizer, precision=precision)
    start = made(recipe, data, tmp_path)
    whole, torn = places(data, tmp_path / "whole", "s8"), places(data, tmp_path / "torn", "s8")
    run_segment(recipe, start, whole, stop=8, seed=0, device=CPU)
    assert set(state(whole)) == set(optimizer.state_names())
    assert all(values.any() for values in state(whole).values())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "save_model", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            run_segment(recipe, start, torn, stop=8, seed=0, device=CPU)
    assert list(torn.scratch.iterdir())
    run_segment(recipe, start, torn, stop=8, seed=0, device=CPU)
    assert digest(torn) == digest(whole)

    middle, end = places(data, tmp_path / "two", "s4"), places(data, tmp_path / "two", "s8")
    run_segment(recipe, start, middle, stop=4, seed=0, device=CPU)
    run_segment(recipe, middle, end, stop=8, seed=0, device=CPU)
    for part in ("model/model.safetensors", "state/optimizer.safetensors"):
        assert (end.model.parent / part).read_bytes() == (whole.model.parent / part).read_bytes()


def test_the_first_checkpoint_holds_zeros_for_the_optimizer_and_the_same_model(
    data: Path, tmp_path: Path
) -> None:
    adamw, sgd = (
        made(replace(RECIPE, optimizer=optimizer), data, tmp_path / optimizer.name)
        for optimizer in (AdamW(weight_decay=0.1), MOMENTUM)
    )
    assert (set(state(adamw)), set(state(sgd))) == ({"exp_avg", "exp_avg_sq"}, {"momentum_buffer"})
    assert not any(values.any() for values in (*state(adamw).values(), *state(sgd).values()))
    name = "model.safetensors"
    assert (adamw.model / name).read_bytes() == (sgd.model / name).read_bytes()


def test_another_optimizers_state_is_refused(start: Places, data: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, optimizer=MOMENTUM)
    with pytest.raises(
        UserError,
        match=r"state holds exp_avg, exp_avg_sq, but pretrain.recipe.optimizer sgd goes on from "
        r"momentum_buffer: remove .*s0 and run dvc repro$",
    ):
        run_segment(recipe, start, places(data, tmp_path, "s4"), stop=4, seed=0, device=CPU)


def test_the_optimizers_constants_are_part_of_what_a_half_done_segment_belongs_to(
    start: Places,
) -> None:
    recipes = [replace(RECIPE, optimizer=optimizer) for optimizer in OPTIMIZERS]
    assert len({identity(recipe, start) for recipe in recipes}) == 3
