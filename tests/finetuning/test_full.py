"""Full fine-tuning of a cell through real training."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.finetuning import full_run
from pipeline.finetuning.baseline import BaselineConfig
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.result import FullResult
from pipeline.tasks import TaskData
from tests.worlds import FINETUNE, open_cell

CONFIG = replace(FINETUNE, train_eval_rows=60)
EFFICIENT = BaselineConfig("efficient", gain=0.02, runs=2)


def measured(world: Path, root: Path, baseline: BaselineConfig = EFFICIENT) -> FullResult:
    cell = open_cell(world, "polarity_short")
    return fine_tune_fully(cell, CONFIG, root / "scratch", root / "out", baseline=baseline)


@pytest.fixture(scope="module")
def efficient(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("efficient")
    measured(world, root)
    return root


def epochs(root: Path) -> list[dict]:
    return [json.loads(line) for line in (root / "out/epochs.jsonl").read_text().splitlines()]


def test_the_full_metric_is_the_mean_over_seeds_of_the_best_metric(
    efficient: Path, world: Path
) -> None:
    result = FullResult.read(efficient / "out/result.json")
    best: dict[int, float] = {}
    for row in epochs(efficient):
        if row["learning_rate"] == result.learning_rate:
            best[row["seed"]] = max(best.get(row["seed"], 0.0), row["metric"])
    assert result.runs == tuple(best.values()) and list(best) == [0, 1]
    assert len(set(result.runs)) == 2
    assert result.full_metric == pytest.approx(np.mean(result.runs))
    assert result.full_spread >= np.std(result.runs, ddof=1) / np.sqrt(2) - 1e-12
    assert result.deviations[-1] == "the full metric is the mean of 2 runs, not the best run's"
    assert result.status == "ok"
    assert result.data_notes == TaskData.open(world / "polarity_short").notes()


def test_an_interrupted_measurement_ends_in_the_same_bytes(
    world: Path, efficient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, started = full_run.fine_tune, []

    def twice(*args, **options):
        started.append(1)
        if len(started) == 2:
            raise KeyboardInterrupt
        return original(*args, **options)

    monkeypatch.setattr(full_run, "fine_tune", twice)
    with pytest.raises(KeyboardInterrupt):
        measured(world, tmp_path)
    measured(world, tmp_path)
    assert len(started) - 1 == len(
        {(row["learning_rate"], row["seed"]) for row in epochs(tmp_path)}
    )
    for name in ("result.json", "epochs.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (efficient / "out" / name).read_bytes()


def test_what_one_rule_ended_another_rule_never_takes(
    world: Path, efficient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    journal = (efficient / "scratch/runs.jsonl").read_bytes()
    (tmp_path / "scratch/runs.jsonl").write_bytes(journal)
    monkeypatch.setattr(full_run, "fine_tune", interrupted)
    measured(world, tmp_path)
    for other in (replace(EFFICIENT, gain=0.01), BaselineConfig()):
        with pytest.raises(KeyboardInterrupt):
            measured(world, tmp_path, other)


@pytest.mark.parametrize("what", ["stack", "code_hash"])
def test_what_other_code_or_another_torch_trained_is_trained_again(
    world: Path, efficient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    shutil.copytree(efficient / "scratch", tmp_path / "scratch")
    monkeypatch.setattr(full_run, "fine_tune", interrupted)
    measured(world, tmp_path)
    monkeypatch.setattr(full_run, what, lambda *_: "another")
    with pytest.raises(KeyboardInterrupt):
        measured(world, tmp_path)


def interrupted(*args, **options):
    raise KeyboardInterrupt


def test_the_papers_protocol_has_one_best_run_and_no_deviation(world: Path, tmp_path: Path) -> None:
    result = measured(world, tmp_path, BaselineConfig())
    assert result.runs == (result.full_metric,)
    assert result.full_spread is None and result.deviations == ()
    assert result.cost.runs == len(CONFIG.learning_rates)
    assert {row["epoch"] / CONFIG.epochs - row["share"] for row in epochs(tmp_path)} == {0.0}
