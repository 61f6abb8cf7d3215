"""Segments: resuming, refusing damage, and what a checkpoint is."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from pipeline.errors import UserError
from pipeline.pretraining import run
from pipeline.pretraining.checkpoints import check_model, open_model, save_model
from pipeline.pretraining.masking import IGNORE, masked_batches
from pipeline.pretraining.mlm import masked_loss
from pipeline.pretraining.packing import Blocks
from pipeline.pretraining.run import Places, init_checkpoint, run_segment, special_tokens
from pipeline.text.corpus import Corpus
from pipeline.text.tokenizer import open_tokenizer
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
    run_segment(RECIPE, start, end, 4, 0, CPU)
    ours, theirs = (
        open_model(end.model, CPU).eval(),
        AutoModelForMaskedLM.from_pretrained(end.model),
    )
    inputs = AutoTokenizer.from_pretrained(end.model)("Anna gladly baked", return_tensors="pt")
    assert torch.equal(ours(**inputs).logits, theirs.eval()(**inputs).logits)


def test_saving_keeps_the_logits_bit_for_bit(start: Places, tmp_path: Path) -> None:
    model = open_model(start.model, CPU).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    save_model(model, 5, start.tokenizer, tmp_path / "copy")
    batch = sample(start, 8)[0]
    again = open_model(tmp_path / "copy", CPU).eval()
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
        init_checkpoint(MODEL, seed, places(data, tmp_path, name))
        hashes.append(digest(places(data, tmp_path, name)))
    assert hashes[0] == hashes[1] != hashes[2]


def test_training_learns(start: Places, data: Path, tmp_path: Path) -> None:
    end = places(data, tmp_path, "s20")
    run_segment(RECIPE, start, end, 20, 0, CPU)
    import json

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
    run_segment(RECIPE, start, whole, 8, 0, CPU)
    end = places(data, tmp_path / "torn", "s8")
    original, calls = run.masked_loss, 0

    def fragile(model, batch):
        nonlocal calls
        calls += 1
        if calls == 2 * after:
            raise Killed
        return original(model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(run, "masked_loss", fragile)
        with pytest.raises(Killed):
            run_segment(RECIPE, start, end, 8, 0, CPU)
    assert not end.model.exists()
    run_segment(RECIPE, start, end, 8, 0, CPU)
    assert digest(end) == digest(whole)
    assert list((tmp_path / "torn" / "scratch").iterdir()) == []


def test_killed_while_writing_the_checkpoint(
    start: Places, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, end = places(data, tmp_path / "whole", "s8"), places(data, tmp_path / "torn", "s8")
    run_segment(RECIPE, start, whole, 8, 0, CPU)

    def torn(*arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run, "save_state", torn)
        with pytest.raises(Killed):
            run_segment(RECIPE, start, end, 8, 0, CPU)
    run_segment(RECIPE, start, end, 8, 0, CPU)
    assert digest(end) == digest(whole)


def test_resuming_really_resumes(
    start: Places, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    end = places(data, tmp_path, "s8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "save_model", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            run_segment(RECIPE, start, end, 8, 0, CPU)
    run_segment(RECIPE, start, end, 8, 0, CPU)
    assert "going on at update 6" in caplog.text


def test_two_segments_are_one(start: Places, data: Path, tmp_path: Path) -> None:
    middle, end = places(data, tmp_path, "s4"), places(data, tmp_path, "s8")
    straight = places(data, tmp_path, "straight")
    run_segment(RECIPE, start, middle, 4, 0, CPU)
    run_segment(RECIPE, middle, end, 8, 0, CPU)
    run_segment(RECIPE, start, straight, 8, 0, CPU)
    weights = "model.safetensors"
    assert (end.model / weights).read_bytes() == (straight.model / weights).read_bytes()


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
@pytest.mark.parametrize("name", ["model/model.safetensors", "state/optimizer.safetensors"])
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
        run_segment(RECIPE, start, end, 4, 0, CPU)
    assert not end.model.exists()


def test_a_loss_out_of_bounds_stops_with_the_remedy(
    start: Places, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        run, "masked_loss", lambda model, batch: masked_loss(model, batch) * torch.inf
    )
    end = places(data, tmp_path, "s4")
    with pytest.raises(UserError, match=r"at update 2: lower pretrain.recipe.learning_rate"):
        run_segment(RECIPE, start, end, 4, 0, CPU)
    assert not end.model.exists()


def test_a_segment_must_lead_forward(start: Places, data: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at update 0, not before 0"):
        run_segment(RECIPE, start, places(data, tmp_path, "x"), 0, 0, CPU)


def test_checkpoint_manifest_says_the_step(start: Places, data: Path, tmp_path: Path) -> None:
    end = places(data, tmp_path, "s4")
    run_segment(RECIPE, start, end, 4, 0, CPU)
    assert (check_model(start.model)["step"], check_model(end.model)["step"]) == (0, 4)


@pytest.mark.parametrize(
    "wrong",
    [{"batch": 0}, {"length": 4}, {"learning_rate": 0.0}, {"warmup_steps": 21},
     {"mask_probability": 1.0}, {"save_every": 3}],
)  # fmt: skip
def test_impossible_recipes_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(RECIPE, **wrong)
