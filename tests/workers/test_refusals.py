from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.errors import UserError
from pipeline.workers.driver import reproduce
from pipeline.workers.healing import heal
from pipeline.workers.leftovers import clear_leftovers

GRAPH = "stages: {made: {cmd: cp source made, deps: [source], outs: [made]}}\n"
COMMANDS = (lambda: reproduce([], jobs=1), heal, clear_leftovers)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no YAML": lambda content: content[:20] + bytes(9) + content[29:],
    "no UTF-8": lambda content: content[:20] + b"\xff" + content[21:],
    "no mapping of stages": lambda _: b"schema: '2.0'\nstages: [made]\n",
    "two versions": lambda content: b"<<<<<<< HEAD\n" + content + b"=======\n",
    "empty": lambda _: b"",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    (tmp_path / "source").write_text("1")
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    reproduce([], jobs=1)
    return tmp_path


def test_a_damaged_lock_is_named_and_can_be_removed(made: Path) -> None:
    lock = made / "dvc.lock"
    whole = lock.read_bytes()
    for damage in DAMAGES.values():
        lock.write_bytes(damage(whole))
        for command in COMMANDS:
            with pytest.raises(UserError, match=r"^dvc.lock is damaged.* remove it") as refused:
                command()
            assert "\n" not in str(refused.value)
    lock.unlink()
    assert reproduce([], jobs=1) == "stages: 1 restored from the run cache"
    assert lock.read_bytes() == whole


def test_a_damaged_graph_is_dvcs_own_sentence(made: Path) -> None:
    (made / "dvc.yaml").write_text("stages: [made]\n")
    with pytest.raises(UserError, match=r"dvc.yaml"):
        heal()


def test_a_folder_that_is_missing_is_one_sentence(made: Path) -> None:
    graph = GRAPH.replace("deps: [source]", "deps: [source, results/kept]")
    (made / "dvc.yaml").write_text(graph)
    with pytest.raises(UserError, match=r"^results/kept is missing, and a stage depends on it"):
        reproduce([], jobs=1)
