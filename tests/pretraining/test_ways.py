"""Ways to compute the same recipe: bfloat16, compiled, by several processes, with a final decay."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import UserError
from pipeline.pretraining import run
from pipeline.pretraining.checkpoints import Halfway
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.pretraining.recipe import PretrainConfig
from pipeline.pretraining.run import run_segment
from pipeline.training.distributed import join, leave
from tests.pretraining.conftest import MODEL, RECIPE, identity, places
from tests.processes import together

CPU = torch.device("cpu")
STILL = replace(MODEL, dropout=0.0, attention_dropout=0.0)


def losses(place: Places) -> list[float]:
    rows = (place.state / "training.jsonl").read_text().splitlines()
    return [row["loss"] for row in map(json.loads, rows) if "loss" in row]


def weights(place: Places) -> dict[str, torch.Tensor]:
    return load_file(place.model / "model.safetensors")


def train(recipe: PretrainConfig, data: Path, root: Path, name: str, stop: int = 8) -> Places:
    start, end = places(data, root, "still"), places(data, root, name)
    if not start.model.exists():
        init_checkpoint(STILL, 0, start, RECIPE.optimizer)
    run_segment(recipe, start, end, stop=stop, seed=0, device=CPU)
    return end


@pytest.mark.parametrize("precision", ["bf16", "bf16_weights"])
def test_bfloat16_follows_the_same_curve_and_keeps_float32_weights(
    data: Path, tmp_path: Path, precision: Literal["bf16", "bf16_weights"]
) -> None:
    whole = train(RECIPE, data, tmp_path, "whole")
    half = train(replace(RECIPE, precision=precision), data, tmp_path, "half")
    assert losses(half) != losses(whole)
    assert losses(half) == pytest.approx(losses(whole), rel=0.01)
    assert {tensor.dtype for tensor in weights(half).values()} == {torch.float32}


def test_bfloat16_weights_resume_where_they_were(data: Path, tmp_path: Path) -> None:
    """What is saved is the float32 weights: two segments are one."""
    recipe = replace(RECIPE, precision="bf16_weights")
    straight = train(recipe, data, tmp_path, "straight", 8)
    middle, end = train(recipe, data, tmp_path, "middle", 4), places(data, tmp_path, "end")
    run_segment(recipe, middle, end, stop=8, seed=0, device=CPU)
    name = "model.safetensors"
    assert (end.model / name).read_bytes() == (straight.model / name).read_bytes()


def test_cuda_graphs_without_cuda_are_refused(data: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, compile=True, cuda_graphs=True)
    with pytest.raises(UserError, match="cuda_graphs is true, but cpu has none"):
        train(recipe, data, tmp_path, "graphs")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++ on a CPU")
def test_a_compiled_model_follows_the_same_curve(data: Path, tmp_path: Path) -> None:
    plain = train(RECIPE, data, tmp_path, "plain", 4)
    compiled = train(replace(RECIPE, compile=True), data, tmp_path, "compiled", 4)
    assert losses(compiled) == pytest.approx(losses(plain), rel=1e-4)
    assert weights(compiled).keys() == weights(plain).keys()


def worker(rank: int, folder: Path, data: Path) -> None:
    end = places(data, folder, "two")
    run_segment(
        RECIPE, places(data, folder, "still"), end, stop=8, seed=0, device=CPU, ranks=join(CPU)
    )
    leave()


def test_two_processes_follow_the_same_curve(data: Path, tmp_path: Path) -> None:
    one, two = train(RECIPE, data, tmp_path, "one"), places(data, tmp_path, "two")
    together(worker, 2, tmp_path, data)
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    for name, tensor in weights(one).items():
        torch.testing.assert_close(weights(two)[name], tensor, rtol=1e-2, atol=2e-3)


def ahead(rank: int, folder: Path, data: Path) -> None:
    """The second process finds another state to go on from, as on a node that sees other files."""
    plain = run._resume

    def found(*words: Any, **options: Any) -> Halfway:
        state = plain(*words, **options)
        return replace(state, optimizer=replace(state.optimizer, step=4))

    if rank:
        run._resume = found
    with pytest.raises(UserError, match=r"found different states .* \(of updates 0, 4\)"):
        worker(rank, folder, data)


def test_processes_that_would_go_on_from_different_updates_are_refused(
    data: Path, tmp_path: Path
) -> None:
    init_checkpoint(STILL, 0, places(data, tmp_path, "still"), RECIPE.optimizer)
    together(ahead, 2, tmp_path, data)
    assert not places(data, tmp_path, "two").model.exists()


def rates(place: Places) -> list[float]:
    rows = (place.state / "training.jsonl").read_text().splitlines()
    return [row["learning_rate"] for row in map(json.loads, rows) if "learning_rate" in row]


def test_a_decay_ends_a_constant_schedule_at_zero(data: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, schedule="constant", log_every=1)
    middle = train(recipe, data, tmp_path, "s4", 4)
    end = places(data, tmp_path, "s8")
    run_segment(recipe, middle, end, stop=8, seed=0, device=CPU, decay=True)
    assert rates(middle)[2:] == [0.01, 0.01]
    assert rates(end) == pytest.approx([0.01, 0.0075, 0.005, 0.0025])


def test_a_longer_horizon_changes_nothing_under_the_constant_schedule(
    data: Path, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, schedule="constant")
    short = train(recipe, data, tmp_path, "short", 4)
    long = train(replace(recipe, total_steps=1000), data, tmp_path, "long", 4)
    name = "model.safetensors"
    assert (short.model / name).read_bytes() == (long.model / name).read_bytes()


def test_decay_and_precision_are_part_of_what_a_half_done_segment_belongs_to(
    data: Path, tmp_path: Path
) -> None:
    start = places(data, tmp_path, "still")
    init_checkpoint(STILL, 0, start, RECIPE.optimizer)
    other = replace(RECIPE, precision="bf16")
    names = {identity(recipe, start, decay) for recipe in (RECIPE, other) for decay in (0, 1)}
    assert len(names) == 4
