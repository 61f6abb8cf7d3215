"""Whoever started it is killed with a signal that nothing can catch."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from pipeline.running import parents
from tests.running.conftest import ended, python, written

CHILD = """
import os, pathlib, sys, time
from pipeline.running import parents
if "alone" in sys.argv:
    parents.end_by_the_system = lambda: False
parents.end_with_parent(os.getppid())
pathlib.Path("pid.new").write_text(str(os.getpid()))
os.rename("pid.new", "pid")
time.sleep(60)
"""


@pytest.mark.parametrize(
    "how", ["{python} child.py", "{python} child.py alone", "{python} child.py; true"]
)
def test_a_process_ends_with_who_started_it(tmp_path: Path, how: str) -> None:
    """By the system, by a thread of its own, and where a shell that lives on stands between."""
    (tmp_path / "child.py").write_text(CHILD)
    words = how.format(python=sys.executable)
    start = (
        f"subprocess.run({words!r}, shell=True)"
        if ";" in words
        else f"subprocess.run({words.split()!r})"
    )
    parent = python(tmp_path, "-c", f"import subprocess; {start}")
    pid = int(written(tmp_path / "pid"))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert ended(pid)


def test_who_was_left_before_it_could_look_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    parents.end_with_parent.cache_clear()
    ends: list[bool] = []
    monkeypatch.setattr(parents, "_end", lambda: ends.append(True))
    monkeypatch.setattr(parents, "end_by_the_system", lambda: True)
    monkeypatch.setattr(parents, "_above", lambda parent: [])
    # The parent that it had at first is no longer the one that it has.
    monkeypatch.setattr("os.getppid", lambda: 1)
    parents.end_with_parent(2)
    assert ends == [True]
    # It is init's from its first look on: of DVC's children none is, unless DVC is gone.
    monkeypatch.setattr("os.getpgid", lambda pid: 1)
    monkeypatch.setattr("os.getpgrp", lambda: 7)
    parents.end_with_parent(1)
    assert ends == [True]
    parents.end_with_parent.cache_clear()
    monkeypatch.setenv("DVC_ROOT", "here")
    parents.end_with_parent(1)
    assert ends == [True, True]
