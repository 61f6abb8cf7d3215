"""The attack itself, on commands that take no time; what it finds is in benchmarks/RESULTS.md."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.attack import kills
from benchmarks.attack.kills import Found
from benchmarks.attack.tiny import TinyStudy
from benchmarks.attack.victims import processes, victims
from tests.running.conftest import eventually, written

# Does what a command of a study does: it starts a process, and the file is there in the end.
COMMAND = """
import pathlib, subprocess, sys, time
{child} = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path("started").write_text("now")
time.sleep({seconds})
{child}.kill()
pathlib.Path("dvc.lock").write_text("done")
"""


def study(folder: Path, seconds: float, monkeypatch: pytest.MonkeyPatch) -> TinyStudy:
    command = (sys.executable, "-c", COMMAND.format(child="child", seconds=seconds))
    monkeypatch.setattr(kills, "_DRIVER", command)
    monkeypatch.setattr(kills, "_DVC", command)
    monkeypatch.setattr(kills, "_ORPHANED", 0.3)
    return TinyStudy(folder)


def test_an_orphan_is_counted_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny, found = study(tmp_path, 60, monkeypatch), Found()
    command = tiny.start(*kills._DRIVER)
    written(tmp_path / "started")
    assert len(processes(tmp_path)) == 2
    assert [victim.part for victim in victims(tmp_path, command.pid)] == ["dvc"]
    assert kills._killed(tiny, command, random.Random(0), found)
    assert found.orphans == 1 and not found.held
    assert found.kills.total() == 1 and found.tracebacks == []
    assert eventually(lambda: not processes(tmp_path))


def test_a_command_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny, found = study(tmp_path, 60, monkeypatch), Found()
    monkeypatch.setattr(kills, "_PATIENCE", 0.1)
    command = tiny.start(*kills._DRIVER)
    written(tmp_path / "started")
    # What it sends ends nobody.
    monkeypatch.setattr(kills, "_SIGNALS", (signal.SIGCONT,))
    assert kills._killed(tiny, command, random.Random(0), found)
    assert found.others == [f"{tmp_path.name}: hangs: "] and found.orphans == 2
    assert eventually(lambda: not processes(tmp_path))


def test_a_study_that_ends_otherwise_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny, found = study(tmp_path, 0, monkeypatch), Found()
    kills._to_its_end(tiny, 1e6, 1, random.Random(0), found)
    assert found.studies == 1 and found.kills.total() == 0
    kills._compare(tiny, tiny.left(), found)
    assert found.held
    kills._compare(tiny, tiny.left() | {"dvc.lock": "other", "reports/cells.csv": "0"}, found)
    assert found.others == [f"{tmp_path.name}: dvc.lock", f"{tmp_path.name}: reports/cells.csv"]
    assert not found.held and found.table()[-1] == f"differs: {found.others[-1]}"


def test_what_was_no_sentence_is_told() -> None:
    found, other = Found(), Found(tracebacks=["Traceback: x"], orphans=1)
    found.add(other)
    found.add(other)
    assert found.orphans == 2 and not Found(tracebacks=["x"]).held
    assert found.table()[-2:] == ["Traceback: x"] * 2


def test_kills_are_counted_by_part_and_signal() -> None:
    found = Found()
    found.kills["worker", "SIGKILL"] = 2
    found.kills["dvc", "SIGINT"] = 1
    assert found.table()[2:4] == ["| dvc | 1 | 0 | 0 |", "| worker | 0 | 0 | 2 |"]


def test_parts_are_told_apart(tmp_path: Path) -> None:
    """By what they are called and by whom they were started."""
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()', {!r}], stdin=subprocess.PIPE)"
    tiny = TinyStudy(tmp_path)
    parts = {"stage": ("dvc", "stages.search"), "fork server": ("pipeline", "forkserver")}
    for part, (root, child) in parts.items():
        code = (
            starts.format(child).replace("subprocess.run", "subprocess.Popen")
            + "; sys.stdin.read(); import time; time.sleep(60)"
        )
        command = tiny.start(sys.executable, "-c", code, root)
        seen = eventually(
            lambda command=command: len(found := victims(tmp_path, command.pid)) == 2 and found
        )
        assert {victim.part for victim in seen} == {"driver" if root == "pipeline" else "dvc", part}
        for victim in seen:
            subprocess.run(["kill", f"-{signal.SIGKILL}", str(victim.pid)], check=True)
        command.wait()


def test_a_traceback_is_ours_where_our_code_is_in_it(tmp_path: Path) -> None:
    loading = 'Traceback (most recent call last):\n  File "/env/bin/dvc", line 8, in <module>\nKeyboardInterrupt\n'
    assert not kills.of_ours(loading, tmp_path)
    assert kills.of_ours(loading + f'  File "{tmp_path}/stages/search.py", line 9', tmp_path)
