from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import full_ending
from pipeline.common.sealed import write_jsonl, write_sealed

CURVES = ([0.6, 0.9, 0.98, 1.0, 1.0, 1.0, 1.0, 1.0], [0.5, 0.6, 0.7, 0.72, 0.73, 0.73, 0.73, 0.73])


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "results/baseline/s0/own"
    folder.mkdir(parents=True)
    result = {
        "model": "s0",
        "task": "own",
        "metric": "accuracy",
        "chance": 0.5,
        "chance_error": 0.5 / 600**0.5,
    }
    write_sealed(folder / "result.json", result)
    rows = [
        {"learning_rate": 1e-3, "seed": seed, "metric": metric}
        for seed, curve in enumerate(CURVES)
        for metric in curve
    ]
    write_jsonl(folder / "epochs.jsonl", rows, ("s0", "own"))
    return tmp_path


def test_a_study_is_replayed(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (cell,) = full_ending.whole_runs(study)
    assert cell.curves == tuple(map(tuple, CURVES)) and cell.rows == 600
    replays = full_ending.alone([cell], 0.005)
    assert replays[0].share < 1 and replays[0].lost == 0
    slow = full_ending.against([cell], 0.005)[1]
    assert slow.share < 0.8 and slow.lost == 0
    monkeypatch.setattr(sys, "argv", ["full_ending", str(study)])
    full_ending.main()
    assert capsys.readouterr().out.count("| 0.002 |") == 2
