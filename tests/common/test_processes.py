from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline.common import processes
from pipeline.common.processes import Process


@pytest.mark.parametrize("proc", ["/proc", "/nonexistent"])
def test_what_has_ended_is_not_alive(proc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROC", processes.Path(proc))
    own = Process.of(os.getpid())
    assert own is not None and own.alive
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    seen = Process.of(child.pid)
    assert seen is not None and seen.alive
    child.communicate()
    assert not seen.alive and Process.of(child.pid) is None


@pytest.mark.skipif(not processes.Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_a_number_that_was_given_out_again_is_another_process() -> None:
    own = Process.of(os.getpid())
    assert own is not None and not own._replace(started=own.started - 1).alive
    # It has ended, although nobody has asked how yet.
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert Process.of(child.pid) is None
    child.wait()
