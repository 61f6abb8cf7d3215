"""Paths as users write them: what exists is meant as it is written, and the rest may be a pattern."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipeline.text.files import FilesConfig, read_documents, read_rows
from pipeline.text.patterns import matches, pattern_folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in (
        "notes [x].txt",
        "notes x.txt",
        "my[1]/a.txt",
        "my[1]/b.txt",
        "my1/c.txt",
        "home/d.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "files", "folder"),
    [
        ("notes [x].txt", ["notes [x].txt"], None),
        ("notes [xy].txt", ["notes x.txt"], ""),
        ("my[1]/a.txt", ["my[1]/a.txt"], None),
        ("my[1]/*.txt", ["my[1]/a.txt", "my[1]/b.txt"], "my[1]"),
        ("my[12]/*.txt", ["my1/c.txt"], ""),
        ("my1/[c]*", ["my1/c.txt"], "my1"),
        ("my1/none.txt", [], None),
    ],
)
def test_what_a_path_names(here: Path, path: str, files: list[str], folder: str | None) -> None:
    assert [str(found) for found in matches(path)] == files
    assert [str(found) for found in matches(f"{here}/{path}")] == [
        f"{here}/{name}" for name in files
    ]
    assert pattern_folder(path) == folder


def test_home_and_brackets_reach_the_files(here: Path) -> None:
    config = FilesConfig(("~/d.txt", "notes [x].txt", "my[1]/?.txt"), documents="file")
    assert [text for (text,) in read_documents(config, "text")] == [
        "home/d.txt", "notes [x].txt", "my[1]/a.txt", "my[1]/b.txt",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["A.TSV", "a.Tsv.gz"])
def test_a_suffix_may_have_capitals(tmp_path: Path, name: str) -> None:
    content = b"text\tlabel\nx\t1\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert list(read_rows(FilesConfig((str(tmp_path / name),)))) == [{"text": "x", "label": "1"}]
