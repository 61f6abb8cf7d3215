"""A study prepared for the hub, pushed to a stand-in of its API, and measured from there again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.common.artifacts import sha256
from pipeline.common.manifest import MODEL_MANIFEST, check_model, seal
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.full import fine_tune_fully
from pipeline.published.fetching import fetch
from pipeline.published.suites import Pattern
from pipeline.sharing.publish import prepare, push
from tests.worlds import FINETUNE

NAME = "somebody/study"


class LocalHub:
    """Repositories as folders, a folder a branch: what the hub's client is asked for, and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> None:
        assert private
        (self.root / repo_type / repo_id / "main").mkdir(parents=True, exist_ok=exist_ok)

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool) -> None:
        assert (self.root / "model" / repo_id / "main").is_dir(), "no repository"
        (self.root / "model" / repo_id / branch).mkdir(exist_ok=exist_ok)

    def upload_folder(
        self, *, repo_id: str, folder_path: str, repo_type: str, revision: str, commit_message: str
    ) -> None:
        branch = self.root / repo_type / repo_id / revision
        assert branch.is_dir(), "no branch"
        shutil.copytree(folder_path, branch, dirs_exist_ok=True)

    def snapshot_download(self, name: str, *, revision: str | None, allow_patterns: Any) -> str:
        return str(self.root / "model" / name / (revision or "main"))


@pytest.fixture
def study(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Checkpoints after 0 and 10 updates, a table, and a search with a task vector."""
    monkeypatch.chdir(tmp_path)
    for step in (0, 10):
        folder = tmp_path / f"checkpoints/s{step}/model"
        shutil.copytree(world / "model", folder)
        weights = load_file(folder / "model.safetensors")
        save_file({key: item + step / 1000 for key, item in weights.items()}, folder / "model.safetensors", {"format": "pt"})  # fmt: skip
        (folder / MODEL_MANIFEST).unlink()
        seal(folder, MODEL_MANIFEST, step=step)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/cells.csv").write_text("model,task,d90\ns0,demo,12\n")
    search = tmp_path / "results/search/s0/demo"
    search.mkdir(parents=True)
    (search / "result.json").write_text("{}")
    save_file({"theta": torch.zeros(3)}, search / "task.safetensors")
    return tmp_path


def test_what_is_pushed_and_fetched_measures_the_same(
    study: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "2 revisions" in prepare(NAME, ["s0", "s10"], study / "out")
    hub = LocalHub(study / "hub")
    assert "2 revisions" in push(study / "out", hub, NAME)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    results = {}
    for step in (0, 10):
        own = study / f"checkpoints/s{step}/model"
        place = Pattern(NAME, revision="step{step}").place("hub", step, str(step))
        fetched = fetch(place, step, study / f"again/s{step}")
        for file in ("model.safetensors", "tokenizer.json"):
            assert fetched["sha256"][file] == check_model(own)["sha256"][file]
        for where, folder in (("own", own), ("hub", study / f"again/s{step}")):
            cell = Cell.open(
                name=f"s{step}", task="polarity_short", model_dir=folder,
                task_dir=world / "polarity_short", config=FINETUNE, seed=0, device=torch.device("cpu"),
            )  # fmt: skip
            once = replace(FINETUNE, epochs=1, learning_rates=(3e-3,))
            found = fine_tune_fully(cell, once, study / f"scratch-{where}-{step}", study / f"{where}-{step}")  # fmt: skip
            results[step, where] = replace(found, inputs={})
        assert results[step, "own"] == results[step, "hub"]
    main = hub.root / "model" / NAME / "main/model.safetensors"
    assert sha256(main) == sha256(study / "checkpoints/s10/model/model.safetensors")
    dataset = hub.root / "dataset" / f"{NAME}-d90" / "main"
    assert (dataset / "cells.csv").read_text() == (study / "reports/cells.csv").read_text()
    assert sha256(dataset / "tasks/s0/demo/task.safetensors") == sha256(
        study / "results/search/s0/demo/task.safetensors"
    )
    card = (hub.root / "model" / NAME / "step10/README.md").read_text()
    assert "at update 10" in card and "`step0`, `step10`" in card and sha256(main) in card


def test_nothing_is_sent_that_was_not_prepared_so(study: Path) -> None:
    prepare(NAME, ["s0"], study / "out")
    hub = LocalHub(study / "hub")
    with pytest.raises(UserError, match=f"prepared for {NAME}, not for other/name"):
        push(study / "out", hub, "other/name")
    (study / "out/dataset/cells.csv").write_text("another")
    with pytest.raises(UserError, match="changed after it was prepared"):
        push(study / "out", hub, NAME)
    with pytest.raises(UserError, match="exists"):
        prepare(NAME, ["s0"], study / "out")
    assert not hub.root.exists()


def test_a_hub_that_refuses_is_one_sentence(study: Path) -> None:
    class Refusing(LocalHub):
        def create_repo(self, *_: Any, **__: Any) -> None:
            raise PermissionError("401 Unauthorized")

    prepare(NAME, ["s0"], study / "out")
    with pytest.raises(UserError, match=f"the hub refuses {NAME} .*401.*token"):
        push(study / "out", Refusing(study / "hub"), NAME)


def test_what_is_not_finished_or_damaged_is_not_prepared(study: Path) -> None:
    with pytest.raises(UserError, match="no repository of the hub"):
        prepare("study", ["s0"], study / "out")
    weights = study / "checkpoints/s0/model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"model\.safetensors"):
        prepare(NAME, ["s0"], study / "out")
    (study / "reports/cells.csv").unlink()
    with pytest.raises(UserError, match=r"cells\.csv is missing"):
        prepare(NAME, ["s10"], study / "out")
    assert not (study / "out").exists()
