"""Segments: resuming, refusing damage, and what a checkpoint is."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from pipeline.common.manifest import check_model
from pipeline.common.sealed import read_jsonl
from pipeline.errors import UserError
from pipeline.pretraining import run
from pipeline.pretraining.checkpoints import open_model, save_model
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.masking import IGNORE, masked_batches
from pipeline.pretraining.mlm import masked_loss
from pipeline.pretraining.packing import Blocks, special_tokens
from pipeline.pretraining.places import Places
from pipeline.pretraining.run import run_segment
from pipeline.tokens.corpus import Corpus
from pipeline.tokens.tokenizer import open_tokenizer
from pipeline.training.parameters import FlatParameters
from tests.pretraining.conftest import MODEL, RECIPE, places

CPU = torch.device("cpu")


def digest(place: Places) -> str:
    """One hash of all that a checkpoint consists of."""
    total = hashlib.sha256()
    for folder in (place.model, place.state):
        for path in sorted(folder.iterdir()):
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def sample(start: Places, micro: int):
    special = special_tokens(open_tokenizer(start.tokenizer))
    blocks = Blocks(Corpus.open(start.corpus), 32, special, 0)
    rows = [(0, index) for index in range(8)]
    return masked_batches(blocks, rows, micro, 0.15, special, 0, CPU)


def test_a_checkpoint_loads_with_transformers_alone_and_gives_the_same_logits(
    start: Places, data: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    end = places(data, tmp_path, "s4")
    run_segment(RECIPE, start, end, stop=4, seed=0, device=CPU)
    ours, theirs = (
        open_model(end.model, CPU).eval(),
        AutoModelForMaskedLM.from_pretrained(end.model),
    )
    inputs = AutoTokenizer.from_pretrained(end.model)("Anna gladly baked", return_tensors="pt")
    assert torch.equal(ours(**inputs).logits, theirs.eval()(**inputs).logits)


def test_saving_keeps_the_logits_bit_for_bit(start: Places, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    model = open_model(start.model, CPU).eval()
    flat = FlatParameters(model)  # saved from views into one buffer, as in training
    flat.values.add_(torch.randn(flat.size, generator=torch.Generator().manual_seed(0)), alpha=0.1)
    save_model(model, 5, start.tokenizer, tmp_path / "copy")
    batch = sample(start, 8)[0]
    again = AutoModelForMaskedLM.from_pretrained(tmp_path / "copy").eval()
    assert torch.equal(model(batch.input_ids).logits, again(batch.input_ids).logits)


def test_loss_equals_the_full_heads_on_masked_positions(start: Places) -> None:
    model = open_model(start.model, CPU).eval()
    batch = sample(start, 8)[0]
    logits = model(batch.input_ids, attention_mask=batch.attention_mask).logits
    used = batch.labels != IGNORE
    rows = torch.arange(8).unsqueeze(1).expand_as(batch.positions)[used]
    expected = functional.cross_entropy(logits[rows, batch.positions[used]], batch.labels[used])
    torch.testing.assert_close(masked_loss(model, batch), expected)


def test_micro_batches_add_up(start: Places) -> None:
    model = open_model(start.model, CPU).eval()
    whole = masked_loss(model, sample(start, 8)[0])
    parts = sum(masked_loss(model, part) for part in sample(start, 3))
    torch.testing.assert_close(whole, parts)


def test_the_first_checkpoint_depends_on_the_seed_alone(data: Path, tmp_path: Path) -> None:
    hashes = []
    for name, noise, seed in (("a", 1, 0), ("b", 2, 0), ("c", 1, 1)):
        torch.manual_seed(noise)
        init_checkpoint(MODEL, seed, places(data, tmp_path, name), RECIPE.optimizer)
        hashes.append(digest(places(data, tmp_path, name)))
    assert hashes[0] == hashes[1] != hashes[2]


def test_training_learns(start: Places, data: Path, tmp_path: Path) -> None:
    end = places(data, tmp_path, "s20")
    run_segment(RECIPE, start, end, stop=20, seed=0, device=CPU)
    rows = [json.loads(line) for line in (end.state / "training.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < losses[0] - 0.5
    assert rows[-1]["valid_loss"] < losses[0]


class Killed(BaseException):
    """Stands in for a kill: nothing in the code catches it."""


@pytest.mark.parametrize("after", [3, 5, 8])
def test_a_killed_segment_ends_in_the_same_bytes(
    start: Places, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    whole = places(data, tmp_path / "whole", "s8")
    run_segment(RECIPE, start, whole, stop=8, seed=0, device=CPU)
    end = places(data, tmp_path / "torn", "s8")
    original, calls = run.masked_loss, 0

    def fragile(model, batch, summed):
        nonlocal calls
        calls += 1
        if calls == 2 * after:
            raise Killed
        return original(model, batch, summed)

    with monkeypatch.context() as patch:
        patch.setattr(run, "masked_loss", fragile)
        with pytest.raises(Killed):
            run_segment(RECIPE, start, end, stop=8, seed=0, device=CPU)
    assert not end.model.exists()
    run_segment(RECIPE, start, end, stop=8, seed=0, device=CPU)
    assert digest(end) == digest(whole)
    assert list((tmp_path / "torn" / "scratch").iterdir()) == []


def test_killed_while_writing_the_checkpoint(
    start: Places, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, end = places(data, tmp_path / "whole", "s8"), places(data, tmp_path / "torn", "s8")
    run_segment(RECIPE, start, whole, stop=8, seed=0, device=CPU)

    def torn(*arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run, "save_state", torn)
        with pytest.raises(Killed):
            run_segment(RECIPE, start, end, stop=8, seed=0, device=CPU)
    run_segment(RECIPE, start, end, stop=8, seed=0, device=CPU)
    assert digest(end) == digest(whole)


def test_resuming_really_resumes(
    start: Places, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    end = places(data, tmp_path, "s8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "save_model", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            run_segment(RECIPE, start, end, stop=8, seed=0, device=CPU)
    run_segment(RECIPE, start, end, stop=8, seed=0, device=CPU)
    assert "going on at update 6" in caplog.text


def interrupt(start: Places, end: Places, stop: int) -> Path:
    """Run a segment that dies before its checkpoint; return the state left in scratch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "save_model", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            run_segment(RECIPE, start, end, stop=stop, seed=0, device=CPU)
    (left,) = end.scratch.iterdir()
    return left


@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_damaged_scratch_is_noticed_and_costs_a_fresh_start_only(
    start: Places, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    whole, end = places(data, tmp_path / "whole", "s8"), places(data, tmp_path / "torn", "s8")
    run_segment(RECIPE, start, whole, stop=8, seed=0, device=CPU)
    scratch = interrupt(start, end, 8)
    content = bytearray(scratch.read_bytes())
    content[-1] ^= 1
    scratch.write_bytes(content[:-10] if damage == "truncate" else content)
    run_segment(RECIPE, start, end, stop=8, seed=0, device=CPU)
    assert "the segment starts over" in caplog.text
    assert digest(end) == digest(whole)


@pytest.mark.parametrize("change", ["recipe", "seed", "checkpoint", "code_hash", "stack"])
def test_scratch_of_other_work_is_not_taken_up_and_goes(
    start: Places,
    data: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    caplog.set_level(logging.INFO)
    end = places(data, tmp_path / "torn", "s8")
    interrupt(start, end, 8)
    recipe, seed = RECIPE, 0
    if change == "recipe":
        recipe = replace(RECIPE, learning_rate=5e-3)
    elif change == "seed":
        seed = 1
    elif change in ("code_hash", "stack"):
        monkeypatch.setattr(run, change, lambda *_: "another")
    else:
        init_checkpoint(MODEL, 1, start, RECIPE.optimizer)
    run_segment(recipe, start, end, stop=8, seed=seed, device=CPU)
    assert "going on" not in caplog.text
    assert list(end.scratch.iterdir()) == []


def test_model_and_state_of_different_updates_are_refused(
    start: Places, data: Path, tmp_path: Path
) -> None:
    later, end = places(data, tmp_path, "s4"), places(data, tmp_path, "s8")
    run_segment(RECIPE, start, later, stop=4, seed=0, device=CPU)
    with pytest.raises(UserError, match=r"is of update 4, but .* of update 0"):
        run_segment(RECIPE, replace(start, state=later.state), end, stop=8, seed=0, device=CPU)
    assert not end.model.exists()


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), 800.0])
def test_weights_lost_in_the_last_update_leave_no_checkpoint(
    start: Places, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: float
) -> None:
    monkeypatch.setattr(run, "held_out_loss", lambda *_: lost)
    end = places(data, tmp_path, "s4")
    with pytest.raises(UserError, match=r"at update 4: lower pretrain.recipe.learning_rate"):
        run_segment(RECIPE, start, end, stop=4, seed=0, device=CPU)
    assert not end.model.exists() and not end.state.exists()


def test_a_finite_loss_far_above_guessing_has_diverged(
    start: Places, data: Path, tmp_path: Path
) -> None:
    wild = replace(RECIPE, learning_rate=50.0, warmup_steps=1)
    with pytest.raises(UserError, match=r"guessing gives 6\.21"):
        run_segment(wild, start, places(data, tmp_path, "s20"), stop=20, seed=0, device=CPU)


def test_the_held_out_loss_is_of_the_saved_model_without_dropout_on_unseen_text(
    start: Places, data: Path, tmp_path: Path
) -> None:
    end = places(data, tmp_path, "s4")
    run_segment(RECIPE, start, end, stop=4, seed=0, device=CPU)
    logged = read_jsonl(end.state / "training.jsonl")[-1]
    special = special_tokens(open_tokenizer(start.tokenizer))
    blocks = Blocks(Corpus.open(start.corpus, "valid"), 32, special, 0)
    rows = [(0, index) for index in range(min(len(blocks), 256))]
    parts = masked_batches(blocks, rows, 4, RECIPE.mask_probability, special, 0, CPU)
    model = open_model(end.model, CPU).eval()
    with torch.no_grad():
        expected = sum(float(masked_loss(model, part)) for part in parts)
    assert logged == {"step": 4, "valid_loss": expected}


def test_segments_read_on_in_the_training_order(
    start: Places, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = Blocks.at
    monkeypatch.setattr(Blocks, "at", lambda self, i: asked.append(i) or original(self, i))
    middle = places(data, tmp_path, "s2")
    run_segment(RECIPE, start, middle, stop=2, seed=0, device=CPU)
    run_segment(RECIPE, middle, places(data, tmp_path, "s4"), stop=4, seed=0, device=CPU)
    assert asked == list(range(4 * RECIPE.batch))


def test_two_segments_are_one(start: Places, data: Path, tmp_path: Path) -> None:
    middle, end = places(data, tmp_path, "s4"), places(data, tmp_path, "s8")
    straight = places(data, tmp_path, "straight")
    run_segment(RECIPE, start, middle, stop=4, seed=0, device=CPU)
    run_segment(RECIPE, middle, end, stop=8, seed=0, device=CPU)
    run_segment(RECIPE, start, straight, stop=8, seed=0, device=CPU)
    weights = "model.safetensors"
    assert (end.model / weights).read_bytes() == (straight.model / weights).read_bytes()


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
@pytest.mark.parametrize(
    "name",
    [
        "model/model.safetensors", "state/optimizer.safetensors", "model/checkpoint.json",
        "state/state.json",
    ],
)  # fmt: skip
def test_a_damaged_checkpoint_is_refused_by_name(
    start: Places, data: Path, tmp_path: Path, name: str, damage: str
) -> None:
    path = start.model.parent / name
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "truncate":
        path.write_bytes(content[:-10])
    elif damage == "flip":
        content[-1] ^= 1
        path.write_bytes(content)
    end = places(data, tmp_path, "s4")
    with pytest.raises(UserError, match=f"{path.name} is missing, truncated or altered"):
        run_segment(RECIPE, start, end, stop=4, seed=0, device=CPU)
    assert not end.model.exists()


def test_a_loss_out_of_bounds_stops_with_the_remedy(
    start: Places, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        run, "masked_loss", lambda model, batch, _: masked_loss(model, batch) * torch.inf
    )
    end = places(data, tmp_path, "s4")
    with pytest.raises(UserError, match=r"at update 2: lower pretrain.recipe.learning_rate"):
        run_segment(RECIPE, start, end, stop=4, seed=0, device=CPU)
    assert not end.model.exists()


def test_a_segment_must_lead_forward(start: Places, data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at update 0, not before 0"):
        run_segment(RECIPE, start, places(data, tmp_path, "x"), stop=0, seed=0, device=CPU)


def test_checkpoint_manifest_says_the_step(start: Places, data: Path, tmp_path: Path) -> None:
    end = places(data, tmp_path, "s4")
    run_segment(RECIPE, start, end, stop=4, seed=0, device=CPU)
    assert (check_model(start.model)["step"], check_model(end.model)["step"]) == (0, 4)


@pytest.mark.parametrize(
    "wrong",
    [{"batch": 0}, {"length": 4}, {"learning_rate": 0.0}, {"warmup_steps": 21},
     {"mask_probability": 1.0}, {"save_every": 3}, {"cuda_graphs": True}],
)  # fmt: skip
def test_impossible_recipes_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(RECIPE, **wrong)
