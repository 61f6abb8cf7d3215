"""A task of similarity (as STS-B) and one of acceptability (as CoLA) through the whole pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.repro.conftest import Study, tiny_params

pytestmark = pytest.mark.repro


def rows(kind: str) -> dict:
    return {
        split: [{"synthetic": {"kind": kind, "split": split, "rows": 480}}]
        for split in ("train", "eval")
    }


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study.create(tmp_path_factory.mktemp("kinds") / "study")
    params = tiny_params()
    params["checkpoints"] = {"s0": 0}
    params["tasks"] = {
        "similarity": {
            "data": {**rows("similarity"), "kind": "regression"},
            "finetune": {"precision": "bf16_weights", "recompute": True},
        },
        "acceptability": {"data": {
            **rows("acceptability"), "columns": {"text_a": "text_a", "text_b": None},
            "labels": ["unacceptable", "acceptable"], "metric": "matthews",
        }},
    }  # fmt: skip
    params["finetune"]["epochs"], params["baseline"]["runs"] = 8, 1
    study.write(params)
    study.quick(jobs=2)
    return study


def test_each_task_is_measured_by_its_own_metric(study: Study) -> None:
    cells = pd.read_csv(study.folder / "reports/cells.csv").set_index("task")
    assert cells["metric"].to_dict() == {"similarity": "pearson", "acceptability": "matthews"}
    assert (cells["chance"] == 0).all() and (cells["chance_error"] > 0).all()
    assert cells.loc["similarity", "others_spearman"] == pytest.approx(
        cells.loc["similarity", "full_metric"], abs=0.2
    )
    assert 0.6 < cells.loc["acceptability", "others_accuracy"] <= 1
    assert (cells["full_error"] > 0).all()


def test_targets_statuses_and_intervals_follow(study: Study) -> None:
    cells = pd.read_csv(study.folder / "reports/cells.csv")
    # In so small a world d₉₀ may lie beyond the grid; what reached is there all the same.
    computed = cells[cells["task_d"].notna()]
    assert len(computed) >= 1 and computed["status"].isin(["ok", "below_grid", "not_reached"]).all()
    # 0.2 of the way from chance, which is 0.
    assert computed["target"].to_numpy() == pytest.approx(0.2 * computed["full_metric"].to_numpy())
    for _, cell in computed.iterrows():
        trials = study.folder / f"results/search/s0/{cell['task']}/trials.jsonl"
        records = [json.loads(line) for line in trials.read_text().splitlines()]
        reached = [
            record for record in records if record["d"] == cell["task_d"] and record["reached"]
        ]
        assert reached and all(record["metric"] >= cell["target"] for record in reached)
        assert not (cell["d90_low"] > cell["d90"]) and not (cell["d90_high"] < cell["d90"])
    manifest = json.loads(
        (study.folder / "data/tasks/trajectory/similarity/manifest.json").read_text()
    )
    assert manifest["labels"] == [] and manifest["train"]["labels"]["high"] == 5


def test_rounded_weights_are_named_where_probes_had_them(study: Study) -> None:
    cells = pd.read_csv(study.folder / "reports/cells.csv").set_index("task")
    named = cells["deviations"].str.contains("weights in bfloat16")
    assert named.to_dict() == {"similarity": True, "acceptability": False}
    assert cells.loc["similarity", "settings_precision"] == "bf16_weights"
    assert not cells["full_deviations"].astype(str).str.contains("bfloat16").any()


def test_figures_name_what_they_show(study: Study) -> None:
    text = (study.folder / "reports/figures/generalization.svg").read_text()
    assert "evaluation metric" in text and "evaluation accuracy" not in text
    assert "similarity" in (study.folder / "reports/index.html").read_text()


def test_a_fine_tuned_regression_is_restored_and_applied(study: Study, tmp_path: Path) -> None:
    cells = pd.read_csv(study.folder / "reports/cells.csv").set_index("task")
    for task in cells.index[cells["status"] == "ok"]:
        vector = study.folder / f"results/search/s0/{task}/task.safetensors"
        done = study.command(
            "python", "-m", "pipeline", "apply", "checkpoints/s0/model", str(vector),
            str(tmp_path / task),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        config = json.loads((tmp_path / task / "config.json").read_text())
        regression = task == "similarity"
        assert (config["problem_type"] == "regression") == regression
        assert config["dtype"] == ("bfloat16" if regression else "float32")
