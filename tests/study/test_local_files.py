from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.study.local_files import local_files, watched
from pipeline.study.params import Params
from pipeline.study.reading import load_params
from pipeline.text.files import FilesConfig
from pipeline.text.hub import HubConfig
from pipeline.text.sources import RowSource

ROOT = Path(__file__).parents[2]


def with_files(*paths: str) -> Params:
    params = load_params(ROOT / "presets/laptop.yaml")
    task = params.tasks["paraphrase"]
    data = replace(task.data, train=(RowSource(files=FilesConfig(paths)),))
    return replace(params, tasks={"paraphrase": replace(task, data=data)})


def test_every_named_file_is_watched_for_its_owner() -> None:
    params = with_files("my/a.tsv", "my/b.tsv", "my/a.tsv")
    assert list(local_files(params)) == [
        ("tasks-paraphrase-0", "my/a.tsv", "tasks/paraphrase"),
        ("tasks-paraphrase-1", "my/b.tsv", "tasks/paraphrase"),
    ]
    assert watched(params, "tasks/paraphrase") == "data/files/tasks/paraphrase"
    assert watched(params, "corpus") is None


def test_a_data_set_whose_name_is_too_long_for_a_file_is_none() -> None:
    params = with_files("my/a.tsv")
    task = params.tasks["paraphrase"]
    data = replace(task.data, train=(RowSource(hub=HubConfig("x" * 5000, split="train")),))
    assert list(local_files(replace(params, tasks={"paraphrase": replace(task, data=data)}))) == []


@pytest.mark.parametrize("pattern", ["my/*.tsv", "my/part-?.tsv", "my/[ab].tsv"])
def test_of_a_pattern_the_folder_is_watched(pattern: str) -> None:
    assert [place for _, place, _ in local_files(with_files(pattern))] == ["my"]


def test_of_a_file_with_brackets_or_at_home_the_file_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "a [x].tsv").write_text("")
    named = with_files(str(tmp_path / "a [x].tsv"), "~/b.tsv", "~/more/*.tsv")
    places = [place for _, place, _ in local_files(named)]
    assert places == [str(tmp_path / "a [x].tsv"), "/home/me/b.tsv", "/home/me/more"]


@pytest.mark.parametrize(
    "pattern", ["*.tsv", "./*.tsv", "../*.tsv", "data/*.tsv", "results/mine/*.tsv"]
)
def test_a_pattern_needs_a_folder_of_its_own(pattern: str) -> None:
    with pytest.raises(UserError, match="put its files into a folder of their own"):
        list(local_files(with_files(pattern)))
