"""fairseq itself at work: it really trains, saves, resumes and reads what the converter wrote."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.backends.fairseq import segment
from pipeline.backends.fairseq.convert import convert
from pipeline.backends.fairseq.environment import LAUNCHER, VARIABLE
from pipeline.backends.fairseq.segment import train
from pipeline.backends.job import Job
from pipeline.common.manifest import check_model
from pipeline.common.sealed import read_jsonl
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from tests.backends.make_reference import LOGITS
from tests.pretraining.conftest import MODEL, RECIPE, data, places  # noqa: F401


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fairseq")


@pytest.fixture(scope="module")
def chain(data: Path, root: Path, environment: Path) -> dict[str, Places]:  # noqa: F811
    """s0 → s4 → s8, and s0 → s8 in one go."""
    patch = pytest.MonkeyPatch()
    patch.setenv(VARIABLE, str(environment))
    made = {name: at(data, root, name) for name in ("s0", "s4", "s8", "straight")}
    init_checkpoint(MODEL, 0, made["s0"], RECIPE.optimizer)
    for start, end, stop in (("s0", "s4", 4), ("s4", "s8", 8), ("s0", "straight", 8)):
        train(job(made[start], made[end], stop))
    patch.undo()
    return made


@pytest.fixture(autouse=True)
def named(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(environment))


def at(data: Path, root: Path, name: str) -> Places:  # noqa: F811
    return replace(places(data, root, name), scratch=root / "scratch" / name)


def job(start: Places, end: Places, stop: int, **changes: Any) -> Job:
    decay = changes.pop("decay", False)
    return Job(replace(RECIPE, **changes), start, end, stop, decay, 0, MODEL.width, ())


def digests(place: Places) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (place.model, place.state)
        for path in sorted(folder.iterdir())
    }


def rows(place: Places) -> list[dict[str, Any]]:
    return read_jsonl(place.state / "training.jsonl")


def fairseqs_logits(
    environment: Path, checkpoint: Path, data_dir: Path, folder: Path
) -> torch.Tensor:
    """What fairseq computes from a checkpoint, at tokens drawn once and for all."""
    np.save(folder / "ids.npy", np.random.default_rng(0).integers(4, 490, (4, 20)))
    names = (LOGITS, LAUNCHER, checkpoint, data_dir, folder / "ids.npy", folder / "logits.npy")
    command = [environment, *map(str, names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return torch.from_numpy(np.load(folder / "logits.npy"))


def our_logits(model: Path, folder: Path) -> torch.Tensor:
    from transformers import AutoModelForMaskedLM

    with torch.no_grad():
        loaded = AutoModelForMaskedLM.from_pretrained(model).eval()
        return loaded(torch.from_numpy(np.load(folder / "ids.npy"))).logits


def test_it_trains_from_the_native_backends_first_weights(chain: dict[str, Places]) -> None:
    losses = [row["loss"] for row in rows(chain["straight"]) if "loss" in row]
    guessing = np.log(500)
    assert losses[0] == pytest.approx(guessing, abs=0.2)  # nats, not fairseq's bits
    assert losses[-1] < losses[0] - 0.2
    assert rows(chain["straight"])[-1]["valid_loss"] < guessing - 0.2
    assert [row["step"] for row in rows(chain["straight"])] == [2, 4, 6, 8, 8]
    assert check_model(chain["s8"].model)["step"] == 8


def test_two_segments_are_one(chain: dict[str, Places]) -> None:
    two, one = digests(chain["s8"]), digests(chain["straight"])
    for name in ("model.safetensors", "fairseq.pt", "checkpoint.json"):
        assert two[name] == one[name]
    assert rows(chain["s4"])[:-1] + rows(chain["s8"]) == rows(chain["straight"])


def test_the_converted_checkpoint_computes_what_fairseq_does(
    chain: dict[str, Places], environment: Path, root: Path, tmp_path: Path
) -> None:
    lines = next((root / "scratch/.lines").iterdir())
    theirs = fairseqs_logits(environment, chain["s8"].state / "fairseq.pt", lines, tmp_path)
    ours = our_logits(chain["s8"].model, tmp_path)
    assert float((ours - theirs).abs().max()) <= 1e-5


def test_fairseq_reads_what_the_converter_wrote(
    chain: dict[str, Places], environment: Path, tmp_path: Path
) -> None:
    convert(chain["s0"].model, tmp_path / "out")
    theirs = fairseqs_logits(environment, tmp_path / "out/model.pt", tmp_path / "out", tmp_path)
    ours = our_logits(chain["s0"].model, tmp_path)
    assert float((ours - theirs).abs().max()) <= 1e-5


class Killed(BaseException):
    """Stands in for a kill: nothing in the code catches it."""


def test_a_killed_segment_ends_in_the_same_bytes(
    chain: dict[str, Places],
    data: Path,  # noqa: F811
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = replace(at(data, tmp_path, "s8"), scratch=root / "scratch/killed")
    original = segment.parse

    def parse(line: str) -> dict[str, Any] | None:
        row = original(line)
        if row is not None and row["step"] == 6:
            raise Killed
        return row

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(segment, "parse", parse)
        train(job(chain["s0"], end, 8))
    assert not end.model.exists()
    last = next(end.scratch.glob("*/checkpoint_last.pt"))
    # fairseq copies into this file: a kill can leave half of it.
    last.write_bytes(last.read_bytes()[:1000])
    train(job(chain["s0"], end, 8))
    assert digests(end) == digests(chain["straight"])
    assert not list(end.scratch.iterdir())


def test_a_decay_starts_at_the_peak_and_a_constant_rate_goes_on(
    chain: dict[str, Places],
    data: Path,  # noqa: F811
    tmp_path: Path,
    root: Path,
) -> None:
    constant, decayed = (
        replace(at(data, tmp_path, name), scratch=root / f"scratch/{name}")
        for name in ("constant", "decayed")
    )
    train(job(chain["s0"], constant, 4, schedule="constant"))
    train(job(constant, decayed, 8, schedule="constant", decay=True))
    rates = [row["learning_rate"] for row in rows(constant) + rows(decayed) if "loss" in row]
    # fairseq logs the rate of the update to come.
    assert rates == pytest.approx([0.01, 0.01, 0.005, 0.0])
