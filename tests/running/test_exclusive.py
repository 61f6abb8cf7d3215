from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.running import exclusive
from pipeline.running.exclusive import alone
from tests.running.conftest import python, written

HOLDER = """
import pathlib, time
from pipeline.running.exclusive import alone
with alone(pathlib.Path("a/lock"), "search@s0-duplicate"):
    pathlib.Path("held").write_text("held")
    time.sleep(60)
"""


def test_a_second_comer_is_told_by_whom_and_a_killed_holder_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exclusive, "_PATIENCE", 0.2)
    holder = python(tmp_path, "-c", HOLDER)
    written(tmp_path / "held")
    sentence = f"^search@s0-duplicate is being made by process {holder.pid} already: wait"
    with (
        pytest.raises(UserError, match=sentence),
        alone(tmp_path / "a/lock", "search@s0-duplicate"),
    ):
        pytest.fail("two have it")
    holder.kill()
    holder.wait()
    for _ in range(2):
        with alone(tmp_path / "a/lock", "search@s0-duplicate"):
            assert (tmp_path / "a/lock").read_text() == str(os.getpid())


def test_a_file_system_without_locks_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(exclusive.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(exclusive.fcntl, "flock", refuse)
    with alone(tmp_path / "lock", "report"):
        assert (tmp_path / "lock").exists()


def test_what_the_holder_starts_does_not_hold_it(tmp_path: Path) -> None:
    with alone(tmp_path / "lock", "report"):
        child = subprocess.Popen(["sleep", "60"])
    with alone(tmp_path / "lock", "report"):
        child.kill()
    child.wait()
