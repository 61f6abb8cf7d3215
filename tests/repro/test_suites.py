"""Published models through DVC: a suite without pretraining, then a zoo and a sweep beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from tests.families import write_family
from tests.pretraining.conftest import SOURCES
from tests.repro.conftest import Study, tiny_params

pytestmark = pytest.mark.repro

STEPS = (0, 10, 300)
TABLES = {"settings", "collect"}


def suite_params(steps: tuple[int, ...]) -> dict:
    params = tiny_params()
    for section in ("tokenizer", "corpus", "model", "pretrain"):
        del params[section]
    params["checkpoints"] = {f"s{step}": step for step in steps}
    params["trajectory"] = {
        "source": "folder", "suite": {"id": "published", "folder": "step-{step}"}, "tokenizer": "s0",
        "neighbours": False, "tokens_per_update": 1000,
    }  # fmt: skip
    params["pretrain"] = {"backend": "native"}
    params["tasks"] = {"polarity_short": params["tasks"]["polarity_short"]}
    params["finetune"]["epochs"] = 2
    params["search"] |= {"grid": {"minimum": 16, "maximum": 64, "ratio": 4.0}, "epochs": None}
    params["report"] = {"axis": "tokens"}
    return params


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Study:
    root = tmp_path_factory.mktemp("suite")
    study = Study.create(root / "finished")
    make_tokenizer(TokenizerConfig(vocab_size=500), SOURCES, 0, root / "tokenizer")
    for step in (*STEPS, 4000):
        folder = study.folder / f"published/step-{step}"
        write_family("bert", root / "tokenizer", folder, seed=step)
    study.write(suite_params(STEPS))
    ran = study.quick()
    assert {name.partition("@")[0] for name in ran} == {
        "settings", "model", "task", "baseline", "search", "collect", "report",
    }  # fmt: skip
    return study


def test_the_suite_is_measured(suite: Study) -> None:
    listed = suite.command("dvc", "stage", "list", "--name-only").stdout
    assert not any(name in listed for name in ("init", "pretrain", "corpus", "tokenizer"))
    cells = pd.read_csv(suite.folder / "reports/cells.csv")
    assert cells["step"].tolist() == list(STEPS)
    assert cells["tokens_seen"].tolist() == [1000 * step for step in STEPS]
    assert "pretraining tokens" in (suite.folder / "reports/figures/trajectory.svg").read_text()
    manifest = json.loads((suite.folder / "checkpoints/s10/model/checkpoint.json").read_text())
    assert manifest["step"] == 10 and manifest["origin"]["folder"] == "step-10"
    assert "model.safetensors" in manifest["sha256"]


def test_another_checkpoint_reruns_nothing_else(suite: Study, tmp_path: Path) -> None:
    study = suite.copy(tmp_path / "study")
    assert study.stale() == set()
    study.write(suite_params((*STEPS, 4000)))
    new = {f"{stage}@s4000-polarity_short" for stage in ("baseline", "search")}
    assert study.quick("collect") == {"model@s4000"} | new | TABLES


def test_a_folder_that_changed_in_place_is_noticed(suite: Study, tmp_path: Path) -> None:
    """A suite's checkpoint by its bytes, not by its date: of another one nothing is stale."""
    study = suite.copy(tmp_path / "study")
    (study.folder / "published/step-0/config.json").touch()
    weights = study.folder / "published/step-10/model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert study.stale() == {"model@s10"}


def test_another_tokenizer_is_refused(suite: Study, tmp_path: Path) -> None:
    study = suite.copy(tmp_path / "study")
    make_tokenizer(TokenizerConfig(vocab_size=400), SOURCES, 0, tmp_path / "tokenizer")
    write_family("bert", tmp_path / "tokenizer", study.folder / "published/step-77")
    study.write(suite_params((*STEPS, 77)))
    done = study.command("dvc", "repro", "baseline@s77-polarity_short")
    assert done.returncode != 0
    assert "made with different tokenizers" in done.stderr and "Traceback" not in done.stderr


def test_a_zoo_and_a_sweep_run_beside_it(suite: Study, tmp_path: Path) -> None:
    study = suite.copy(tmp_path / "study")
    for family in ("electra", "gpt2"):
        write_family(
            family, suite.folder.parent / "tokenizer", study.folder / f"published/{family}"
        )
    params = study.params()
    params["zoo"] = {
        "models": {
            "electra": {"source": "folder", "id": "published/electra"},
            "gpt2": {"source": "folder", "id": "published/gpt2", "label": "GPT-2"},
        },
        "tasks": ["polarity_short"], "search": ["polarity_short"],
    }  # fmt: skip
    params["sweep"] = {
        "models": ["electra"], "tasks": ["polarity_short"], "methods": ["did", "said"],
        "probes": {"minimum": 2, "maximum": 32, "points": 3, "rates": [0.35], "epochs": 1},
    }  # fmt: skip
    study.write(params)
    tasks = {f"task@{model}-polarity_short" for model in ("electra", "gpt2")}
    cells = {f"{stage}@{model}-polarity_short" for model in ("electra", "gpt2")
             for stage in ("baseline", "search")}  # fmt: skip
    sweeps = {f"search@electra-polarity_short-{method}" for method in ("did", "said")}
    models = {"model@electra", "model@gpt2"}
    assert study.quick() == models | tasks | cells | sweeps | TABLES | {"report"}

    reports = study.folder / "reports"
    cells_table = pd.read_csv(reports / "cells.csv")
    zoo = cells_table[cells_table["family"] == "zoo"]
    assert zoo["label"].tolist() == ["electra", "GPT-2"]
    assert (zoo["parameters"] > 1000).all() and zoo["status"].notna().all()
    sweep = pd.read_csv(reports / "sweep.csv")
    counts = sweep.groupby(["method", "status"]).size()
    assert counts["said", "left_out"] == 1
    table = pd.read_csv(reports / "table1.csv")
    assert table["method"].tolist() == ["did", "said"]
    # So small a model may not beat the majority class; then nothing is swept, and the table says so.
    swept = ~table["status"].isin(["baseline_at_chance", "target_below_chance"])
    assert (table["probes"] == swept * (3 - (table["method"] == "said"))).all()
    for name in ("model_zoo", "dimension_curve"):
        assert (reports / "figures" / f"{name}.png").stat().st_size > 1000
    assert "GPT-2" in (reports / "index.html").read_text()

    config = study.folder / "published/electra/config.json"
    text = config.read_text()
    config.write_text(text + "\n")
    assert study.stale() == {"model@electra"}
    config.write_text(text)

    params["sweep"]["models"] = ["electra", "gpt2"]
    params["zoo"]["models"]["electra"]["label"] = "ELECTRA"
    study.write(params)
    more = {f"search@gpt2-polarity_short-{method}" for method in ("did", "said")}
    assert study.quick("collect") == more | TABLES
