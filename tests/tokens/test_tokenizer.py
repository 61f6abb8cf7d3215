"""How a folder's tokenizer is given texts: its manifest says so, wherever the folder goes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from pipeline.common.manifest import MODEL_MANIFEST
from pipeline.errors import UserError
from pipeline.published.fetching import fetch
from pipeline.published.place import Place
from pipeline.tasks.prepare import prepare_task
from pipeline.tokens.tokenizer import has_leading_space
from tests.families import write_family
from tests.worlds import task_config


def ids(tokenizer: Path, out: Path) -> list[list[int]]:
    """The first rows of a task as the folder's tokenizer gives them."""
    prepare_task("polarity_short", task_config("polarity_short", 32), tokenizer, 0, out)
    return pyarrow.parquet.read_table(out / "train.parquet")["input_ids"].to_pylist()


def test_a_checkpoint_of_ours_has_the_same_tokens_wherever_it_comes_from(
    world: Path, tmp_path: Path
) -> None:
    """Published and fetched, and fetched once more from there."""
    fetch(Place(str(world / "model"), "folder"), 0, tmp_path / "fetched")
    fetch(Place(str(tmp_path / "fetched"), "folder"), 0, tmp_path / "again")
    own = ids(world / "tokenizer", tmp_path / "task")
    for name in ("fetched", "again"):
        assert ids(tmp_path / name, tmp_path / f"{name}-task") == own
    assert ids(world / "model", tmp_path / "model-task") == own


def test_texts_for_a_model_of_others_stay_as_they_are(world: Path, tmp_path: Path) -> None:
    """Although its vocabulary happens to be one of ours."""
    write_family("roberta", world / "tokenizer", tmp_path / "published")
    fetch(Place(str(tmp_path / "published"), "folder"), 0, tmp_path / "model")
    assert not has_leading_space(tmp_path / "published")
    assert not has_leading_space(tmp_path / "model")
    theirs, own = (
        ids(folder, tmp_path / f"{folder.name}-task")
        for folder in (tmp_path / "model", world / "tokenizer")
    )
    assert theirs != own


def test_a_manifest_that_says_neither_yes_nor_no_is_refused(tmp_path: Path) -> None:
    (tmp_path / MODEL_MANIFEST).write_text(json.dumps({"leading_space": "yes"}))
    with pytest.raises(UserError, match=rf"{MODEL_MANIFEST}.*leading_space"):
        has_leading_space(tmp_path)
