# ruff: noqa: E402 — what is imported needs PEFT
"""SAID's rows of PEFT's method comparison: their folders, PEFT's script on them, what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

peft = pytest.importorskip("peft", reason="the extra peft is not installed")

from benchmarks.peft_comparison import dry
from benchmarks.peft_comparison.__main__ import check_environment, scripts_of
from benchmarks.peft_comparison.experiments import Rates, parameters_of, write_experiment
from benchmarks.peft_comparison.outcome import outcome_of
from pipeline.errors import UserError
from pipeline.sharing.said_tuner import SaidConfig

ROOT = Path(__file__).parents[2]
CHECKOUT = os.environ.get("PEFT_CHECKOUT")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    scripts = tmp_path_factory.mktemp("checkout")
    return dry.prepare(scripts, tmp_path_factory.mktemp("dry"))[1]


def test_an_experiment_is_what_the_script_reads(model: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    size = parameters_of(model)
    assert size == AutoModelForCausalLM.from_pretrained(model).num_parameters()
    name = write_experiment(tmp_path, model, size, 64, Rates(1e-5, 0.5), {"max_steps": 4})
    assert name == "experiments/said/tiny-d64"
    config = peft.PeftConfig.from_pretrained(tmp_path / name)
    assert isinstance(config, SaidConfig) and config.d == 64 and config.task_type == "CAUSAL_LM"
    training = json.loads((tmp_path / name / "training_params.json").read_text())
    rate = pytest.approx(0.5e-5 * (size / 64) ** 0.5)
    assert training == {
        "model_id": model, "max_steps": 4, "optimizer_kwargs": {"lr": rate, "weight_decay": 0.0}
    }  # fmt: skip
    write_experiment(tmp_path, model, size, 64, Rates(1e-5, 0.5), {})
    assert "max_steps" not in (tmp_path / name / "training_params.json").read_text()


def test_what_cannot_run_to_its_end_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no method_comparison/MetaMathQA/run\.py"):
        scripts_of(tmp_path)
    old = sys.version_info < dry.NEEDED
    with pytest.raises(UserError, match="is for Python" if old else "pip install -e"):
        check_environment(tmp_path)


def wrote(folder: Path, name: str, status: str = "success", error: str = "") -> None:
    """A result as the script writes it."""
    metrics = [{"step": 2, "valid accuracy": 0.1}, {"test accuracy": 0.25, "forgetting": 0.5}]
    train = {
        "status": status, "num_trainable_params": 64, "file_size": 2048, "train_time": 3.0,
        "accelerator_memory_max": 2**30, "metrics": metrics,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    content = {"run_info": {"error_msg": error}, "train_info": train}
    (folder / name).write_text(json.dumps(content))


def test_an_outcome_is_what_the_script_wrote_last(tmp_path: Path) -> None:
    name = "experiments/said/tiny-d64"
    assert "wrote no result" in outcome_of(tmp_path, name, 0.0).row()
    wrote(tmp_path / "results", "said--tiny-d64.json")
    found = outcome_of(tmp_path, name, 0.0)
    assert found.finished and "| 64 | 0.250 | 0.500 | 2.0 | 3 | 1.0 |" in found.row()
    later = (tmp_path / "results/said--tiny-d64.json").stat().st_mtime + 10
    assert not outcome_of(tmp_path, name, later).finished
    stopped = "said--tiny-d64--2026.json"
    wrote(tmp_path / "cancelled_results", stopped, "canceled", "out of memory")
    os.utime(tmp_path / "cancelled_results" / stopped, (later, later))
    found = outcome_of(tmp_path, name, later)
    assert not found.finished and "out of memory" in found.row()


@pytest.mark.skipif(
    CHECKOUT is None,
    reason="PEFT's scripts are in its repository alone: name a clone of it in PEFT_CHECKOUT",
)
def test_the_script_runs_dry() -> None:
    assert CHECKOUT is not None
    before = sorted(Path(CHECKOUT).rglob("*.json"))
    # At a rate that a tiny model feels.
    options = ("--dry", "--dims", "64", "--full-rate", "0.01")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peft_comparison", CHECKOUT, *options],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    name, numbers, accuracy, forgetting, file, *_ = [
        field.strip() for field in done.stdout.splitlines()[-1].strip("|").split("|")
    ]
    assert (name, numbers) == ("experiments/said/tiny-d64", "64")
    assert 0 <= float(accuracy) <= 1 and float(forgetting) != 0
    # Saved were 64 numbers and what safetensors says of them.
    assert 0.25 <= float(file) < 1
    assert sorted(Path(CHECKOUT).rglob("*.json")) == before
