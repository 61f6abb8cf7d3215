from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from pipeline.errors import UserError
from pipeline.tasks import TaskData
from pipeline.tasks.config import Columns, TaskDataConfig
from pipeline.tasks.prepare import prepare_task
from pipeline.text.sources import RowSource, SyntheticRows


@pytest.fixture
def made(tokenizer_dir: Path, tmp_path: Path) -> Path:
    config = TaskDataConfig(
        train=(RowSource(synthetic=SyntheticRows("inference", "train", 12)),),
        eval=(RowSource(synthetic=SyntheticRows("inference", "eval", 6)),),
        columns=Columns("text_a", "text_b"),
        labels=("entailment", "neutral", "contradiction"),
    )
    prepare_task("nli", config, tokenizer_dir, 0, tmp_path / "nli")
    return tmp_path / "nli"


def test_splits_are_read_as_they_were_written(made: Path) -> None:
    data = TaskData.open(made)
    for name, split in {"train": data.train, "eval": data.eval}.items():
        rows = pyarrow.parquet.read_table(made / f"{name}.parquet").to_pylist()
        assert [ids.tolist() for ids in split.input_ids] == [row["input_ids"] for row in rows]
        assert split.labels.tolist() == [row["label"] for row in rows]
        assert {ids.dtype for ids in split.input_ids} == {np.dtype(np.int32)}
        assert split.labels.dtype == np.int64
        assert split.pad_id == 1 and split.kind.name == "classification"
    assert (len(data.train), len(data.eval)) == (12, 6)


def test_damage_is_noticed_and_named(made: Path) -> None:
    path = made / "eval.parquet"
    content = path.read_bytes()
    path.write_bytes(bytes([*content[:99], content[99] ^ 1, *content[100:]]))
    with pytest.raises(
        UserError, match=r"eval\.parquet is missing, truncated or altered.*pipeline heal"
    ):
        TaskData.open(made)
    path.unlink()
    with pytest.raises(UserError, match=r"eval\.parquet is missing, .*pipeline heal"):
        TaskData.open(made)
    (made / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"manifest\.json is missing"):
        TaskData.open(made)


def test_head_takes_the_first_rows(made: Path) -> None:
    split = TaskData.open(made).train
    assert (len(split.head(2)), len(split.head(None)), len(split.head(99))) == (2, 12, 12)
    assert split.head(2).labels.tolist() == split.labels[:2].tolist()
