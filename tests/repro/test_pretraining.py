"""Pretraining through DVC: pruned states, and several processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.repro.conftest import Study

pytestmark = pytest.mark.repro


def losses(study: Study) -> list[float]:
    rows = (study.folder / "checkpoints/s8/state/training.jsonl").read_text().splitlines()
    return [row["loss"] for row in map(json.loads, rows) if "loss" in row]


def test_pruned_states_are_gone_and_nothing_runs_again(study: Study) -> None:
    done = study.command("python", "-m", "stages.prune")
    assert done.returncode == 2 and "pretrain.keep_state is all" in done.stderr
    params = study.params()
    params["pretrain"]["keep_state"] = "last"
    study.write(params)
    cache = study.folder / ".dvc/cache"
    before = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    moments = (study.folder / "checkpoints/s0/state/optimizer.safetensors").stat().st_size
    done = study.command("python", "-m", "stages.prune")
    assert done.returncode == 0 and "pruned checkpoints/s0/state;" in done.stdout
    after = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    assert before - after >= moments
    assert not (study.folder / "checkpoints/s0/state").exists()
    assert (study.folder / "checkpoints/s8/state").exists()
    assert study.repro("--allow-missing") == {"settings", "report"}


def test_a_chain_goes_on_after_pruning(study: Study) -> None:
    params = study.params()
    params["pretrain"]["keep_state"] = "last"
    study.write(params)
    assert study.command("python", "-m", "stages.prune").returncode == 0
    params["checkpoints"]["s10"] = 10
    study.write(params)
    assert study.repro("--allow-missing", "pretrain@s10") == {"settings", "pretrain@s10"}


def test_two_processes_train_through_the_same_stage(study: Study) -> None:
    before = losses(study)
    for name in ("model", "state"):
        shutil.rmtree(study.folder / "checkpoints/s8" / name)
    done = study.command(
        "python", "-m", "stages.pretrain", DVC_STAGE="pretrain@s8", PIPELINE_PROCESSES="2",
        OMP_NUM_THREADS="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("update 8 of 8") == 1  # the second process is quiet
    assert losses(study) == pytest.approx(before, rel=1e-4)


def test_a_wrong_number_of_processes_is_one_sentence(study: Study) -> None:
    done = study.command(
        "python", "-m", "stages.pretrain", DVC_STAGE="pretrain@s8", PIPELINE_PROCESSES="many"
    )
    assert done.returncode == 2
    assert "error: PIPELINE_PROCESSES is 'many'" in done.stderr


def test_an_unknown_segment_is_one_sentence(study: Study) -> None:
    done = study.command("python", "-m", "stages.pretrain", DVC_STAGE="pretrain@s9")
    assert done.returncode == 2
    assert "checkpoints has no 's9' that is pretrained: did you mean 's8'?" in done.stderr
    assert not Path(study.folder / "checkpoints/s9").exists()


def test_editing_fairseqs_part_leaves_the_native_segments_alone(study: Study) -> None:
    for path in sorted((study.folder / "pipeline/backends/fairseq").glob("*.py")):
        path.write_text(path.read_text() + "\n# edited\n")
    assert study.repro() == set()
