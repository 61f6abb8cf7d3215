"""What a segment does with fairseq's words, with a script in the place of fairseq's interpreter."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.backends.fairseq.arguments import train_arguments
from pipeline.backends.fairseq.environment import LAUNCHER, VARIABLE, interpreter
from pipeline.backends.fairseq.log import parse
from pipeline.backends.fairseq.optimizer import adam
from pipeline.backends.fairseq.segment import train
from pipeline.backends.job import Job
from pipeline.errors import UserError
from pipeline.pretraining.places import Places
from pipeline.pretraining.run import run_segment
from pipeline.training.optimizers import SGD, AdamW
from tests.pretraining.conftest import MODEL, RECIPE, data, places, start  # noqa: F401

ROW = '2026-01-01 00:00:00 | INFO | train_inner | {"epoch": 1, "loss": "%s", "num_updates": "2", "lr": "0.01", "gnorm": "1.5"}'


def pretend(folder: Path, monkeypatch: pytest.MonkeyPatch, says: str = "", ends: int = 0) -> None:
    """An interpreter that has "fairseq" and, asked to train, says something and ends."""
    script = folder / "python"
    script.write_text(
        f"#!/bin/sh\nif [ \"$1\" = -c ]; then echo 0.12.2; exit; fi\necho '{says}'\nexit {ends}\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(script))


def job(start: Places, data: Path, tmp_path: Path, **changes: Any) -> Job:  # noqa: F811
    end = places(data, tmp_path, "s4")
    end = replace(end, scratch=tmp_path / "scratch/s4")
    decay = changes.pop("decay", False)
    return Job(replace(RECIPE, **changes), start, end, 4, decay, 0, MODEL.width, ())


def test_a_missing_environment_is_one_sentence_that_says_what_to_run(
    start: Places,  # noqa: F811
    data: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(UserError, match=rf"absent is missing: run make fairseq, or .*{VARIABLE}$"):
        train(job(start, data, tmp_path))
    monkeypatch.setenv(VARIABLE, sys.executable)  # has no fairseq
    with pytest.raises(UserError, match=r"should have fairseq 0.12.2, but has none: run make"):
        interpreter()


@pytest.mark.parametrize(
    ("says", "ends", "sentence"),
    [
        ("no room left on the GPU", 3, r"ended with status 3 \(no room left on the GPU\): see .*log"),
        (ROW % "99", 0, r"the pretraining loss is 68.62 at update 2: lower pretrain.recipe"),
        (ROW % "nan", 0, r"the pretraining loss is nan at update 2"),
        ("7 samples have invalid sizes and will be skipped, max_positions=32", 0,
         "fairseq-train leaves lines out: 7 samples have"),
        ("all is well", 0, r"stopped at update 0, not at 4: see .*fairseq.log"),
    ],
)  # fmt: skip
def test_what_goes_wrong_in_fairseq_is_one_sentence(
    start: Places,  # noqa: F811
    data: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    says: str,
    ends: int,
    sentence: str,
) -> None:
    pretend(tmp_path, monkeypatch, says, ends)
    work = job(start, data, tmp_path)
    with pytest.raises(UserError, match=sentence) as error:
        train(work)
    assert "\n" not in str(error.value)
    assert not work.end.model.exists() and not work.end.state.exists()


def test_another_backends_state_is_refused(
    start: Places,  # noqa: F811
    data: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    pretend(tmp_path, monkeypatch)
    middle = places(data, tmp_path, "s2")
    run_segment(RECIPE, start, middle, stop=2, seed=0, device=torch.device("cpu"))
    with pytest.raises(UserError, match=r"has no fairseq.pt: another backend trained it"):
        train(job(middle, data, tmp_path))


@pytest.mark.parametrize("wanted", ["0", "many", "2"])
def test_processes_are_gpus(
    start: Places,  # noqa: F811
    data: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wanted: str,
) -> None:
    pretend(tmp_path, monkeypatch)
    monkeypatch.setenv("PIPELINE_PROCESSES", wanted)
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    with pytest.raises(UserError, match="PIPELINE_PROCESSES is"):
        train(job(start, data, tmp_path))


def test_bf16_is_for_gpus(
    start: Places,  # noqa: F811
    data: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(tmp_path, monkeypatch)
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    with pytest.raises(UserError, match="is bf16_weights, which fairseq has on GPUs only"):
        train(job(start, data, tmp_path, precision="bf16_weights"))


def test_a_row_is_in_nats() -> None:
    row = parse(ROW % "8.0")
    assert row == {
        "step": 2, "loss": pytest.approx(8 * math.log(2)), "gradient_norm": 1.5,
        "learning_rate": 0.01,
    }  # fmt: skip
    assert parse("2026-01-01 00:00:00 | INFO | fairseq.trainer | begin training epoch 1") is None


def options(words: list[str]) -> dict[str, str]:
    return {
        word: words[index + 1] if index + 1 < len(words) else ""
        for index, word in enumerate(words)
        if word.startswith("--")
    }


def test_the_recipe_is_fairseqs_command_line(
    start: Places,  # noqa: F811
    data: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    from pipeline.backends.fairseq.architecture import to_arguments
    from pipeline.pretraining.mlm import build_model
    from pipeline.pretraining.packing import SpecialTokens

    model = to_arguments(build_model(MODEL, 60, SpecialTokens(0, 1, 2, 59, 4), 0).config)

    def words(processes: int = 1, first: int = 0, cpu: bool = True, **changes: Any) -> list[str]:
        work = job(start, data, tmp_path, **changes)
        return train_arguments(work, model, first, Path("lines"), Path("save"), cpu, processes)

    found = options(words())
    expected = {
        "--tokens-per-sample": "32", "--max-positions": "32", "--sample-break-mode": "complete",
        "--batch-size": "4", "--update-freq": "2", "--lr": "0.01", "--max-update": "4",
        "--total-num-update": "20", "--warmup-updates": "2", "--lr-scheduler": "polynomial_decay",
        "--adam-betas": "(0.9, 0.98)", "--adam-eps": "1e-06", "--weight-decay": "0.01",
        "--clip-norm": "0.0", "--mask-prob": "0.15", "--dropout": "0.1",
        "--save-interval-updates": "2", "--encoder-layers": "2", "--encoder-attention-heads": "2",
    }  # fmt: skip
    assert expected.items() <= found.items()
    assert "--cpu" in found and "--bf16" not in found
    assert options(words(processes=2, cpu=False))["--update-freq"] == "1"
    assert "--bf16" in words(precision="bf16_weights") and "--cpu" not in words(cpu=False)
    constant = options(words(schedule="constant"))
    assert constant["--lr-scheduler"] == "fixed" and "--total-num-update" not in constant
    decay = options(words(schedule="constant", decay=True, first=3))
    assert (decay["--warmup-updates"], decay["--total-num-update"]) == ("3", "4")


def test_fairseq_trains_with_adamw_only() -> None:
    assert adam(AdamW(weight_decay=0.1)) == AdamW(weight_decay=0.1)
    with pytest.raises(UserError, match=r"pretrain.recipe.optimizer.name to adamw, not sgd$"):
        adam(SGD(weight_decay=0.1))


def test_fairseq_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "fairseq_cli").mkdir()
    (tmp_path / "fairseq_cli/train.py").write_text(
        "import os, sys, time\n"
        "def cli_main():\n"
        "    print(os.getpid(), sys.argv[1:], flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, LAUNCHER, "--attached", "train", "data"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdin is not None
        pid, _, arguments = process.stdout.readline().partition(" ")
        assert int(pid) == process.pid and json.loads(arguments.replace("'", '"')) == ["data"]
        began = time.monotonic()
        process.stdin.close()
        assert process.wait(20) == 1 and time.monotonic() - began < 20


def test_the_launcher_knows_its_commands() -> None:
    done = subprocess.run(
        [sys.executable, LAUNCHER, "generate"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "usage: launcher.py" in done.stderr
