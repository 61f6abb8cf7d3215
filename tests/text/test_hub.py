"""Hub loading, with local Parquet folders standing in for the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from pipeline.errors import UserError
from pipeline.text.hub import HubConfig, read_hub


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "someone" / "pairs"
    folder.mkdir(parents=True)
    for split, labels in {"train": [0, 1, 1], "test": [-1]}.items():
        rows = [{"sentence": f"{split} {index}", "label": x} for index, x in enumerate(labels)]
        name = f"{split}-00000-of-00001.parquet"
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / name)
    return folder


def test_rows_of_a_split(repository: Path) -> None:
    rows = list(read_hub(HubConfig(str(repository), "train")))
    assert rows == [{"sentence": f"train {i}", "label": x} for i, x in enumerate([0, 1, 1])]


def test_nothing_draws_a_bar(repository: Path) -> None:
    datasets.enable_progress_bars()
    list(read_hub(HubConfig(str(repository), "train")))
    assert datasets.are_progress_bars_disabled()


def test_unknown_split_names_those_there_are(repository: Path) -> None:
    with pytest.raises(UserError, match=r"split 'dev', cannot be loaded.*'train', 'test'"):
        list(read_hub(HubConfig(str(repository), "dev")))


def test_id_name_split_and_revision_reach_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def load(*arguments: Any, **options: Any) -> list[dict[str, Any]]:
        calls.append((arguments, options))
        return [{"a": 1}]

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert list(read_hub(HubConfig("org/set", "validation", "mrpc", "abc"))) == [{"a": 1}]
    options = {"split": "validation", "revision": "abc", "streaming": True}
    assert calls == [(("org/set", "mrpc"), options)]


def test_unknown_id_without_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: Any, **__: Any) -> NoReturn:
        raise ConnectionError("Couldn't reach 'org/sett'\non the Hub.")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(UserError) as caught:
        list(read_hub(HubConfig("org/sett", "train", "mrpc")))
    assert str(caught.value) == (
        "hub data set 'org/sett' (mrpc), split 'train', cannot be loaded (Couldn't reach "
        "'org/sett' on the Hub): check id, name, split, revision and the network, or give files "
        "instead"
    )
