from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

from stages.forced import resumable


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A result that a stage made from its journal and that DVC took into its cache."""
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    with resumable(Path("scratch"), Path("result"), "work"):
        Path("scratch").mkdir()
        Path("scratch/journal").write_text("row")
        Path("result").write_text("made")
    with Repo() as repo:
        repo.add("result")
    return tmp_path / "result"


def journal(*work: object) -> bool:
    """Whether a stage that is asked for this work finds the journal."""
    with resumable(Path("scratch"), Path("result"), *work):
        return Path("scratch/journal").exists()


def test_finished_work_that_is_asked_for_again_starts_anew(result: Path) -> None:
    assert not journal("work")


def test_other_work_finds_the_journal(result: Path) -> None:
    assert journal("work", "of more")


def test_what_dvc_could_not_bring_back_finds_the_journal(result: Path) -> None:
    """A stage that was killed before DVC took its result, or whose result was damaged."""
    shutil.rmtree(".dvc/cache")
    assert journal("work")


def test_an_edit_of_the_code_finds_the_journal(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows know themselves what code they are of."""
    monkeypatch.setattr("stages.forced.source_hash", lambda: "edited")
    assert journal("work")


def test_work_that_failed_finds_the_journal(result: Path) -> None:
    with pytest.raises(RuntimeError), resumable(Path("scratch"), Path("result"), "other"):
        raise RuntimeError
    assert journal("other")


def test_a_damaged_marker_is_none(result: Path) -> None:
    Path("scratch/finished.json").write_text("{}")
    assert journal("work")
