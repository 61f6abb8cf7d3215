"""A study that goes to others: pushed, cloned, pulled, and moved between its commits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.repro.conftest import Study

pytestmark = pytest.mark.repro


def test_a_clone_has_all_and_runs_nothing(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bar: no stage runs in a clone, nor at another commit, nor after DVC threw away the rest."""
    shutil.rmtree(study.folder / "killer")  # it belongs to the tests
    study.command("dvc", "remote", "add", "--default", "store", str(tmp_path / "remote"))
    study.commit()
    both = study.tables()
    params = study.params()
    del params["tasks"]["paraphrase"]
    study.write(params)
    (study.folder / "graph.yaml").unlink()
    assert study.driver() == {"settings", "collect", "report"}
    assert not list((study.folder / "results").rglob("*paraphrase*"))
    study.commit()
    one = study.tables()
    monkeypatch.chdir(study.folder)
    with_dvc(lambda repo: repo.push(revs=["HEAD~1"]))

    study.command("git", "clone", "--quiet", str(study.folder), str(tmp_path / "clone"))
    clone = Study(tmp_path / "clone")
    monkeypatch.chdir(clone.folder)
    with_dvc(lambda repo: repo.pull())
    assert clone.repro() == set()
    for commit, tables in (("HEAD~1", both), ("-", one)):
        clone.command("git", "checkout", "--quiet", commit)
        with_dvc(lambda repo: repo.pull())
        assert clone.tables() == tables and would_run() == []
    with_dvc(lambda repo: repo.gc(workspace=True, force=True))
    assert would_run() == [] and clone.quick() == set()
    clone.command("git", "checkout", "--quiet", "HEAD~1")
    with_dvc(lambda repo: repo.pull())
    assert would_run() == []


def with_dvc(act: Callable[[Repo], object]) -> object:
    """What a command of DVC does, without starting DVC anew for each."""
    with Repo() as repo:
        return act(repo)


def would_run() -> object:
    return with_dvc(lambda repo: repo.reproduce(dry=True))
