"""Which processes are alive: a number alone does not say, since numbers are given out again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Process(NamedTuple):
    """A process by its number and when it was started, in the system's own count (0: unknown)."""

    pid: int
    started: int

    @staticmethod
    def of(pid: int) -> Process | None:
        """The process that has this number now; None where there is none that still runs."""
        started = _started(pid)
        return None if started is None else Process(pid, started)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return _started(self.pid) == self.started


def stat_fields(pid: int) -> list[str] | None:
    """What Linux tells of a process, from its state on (proc(5)); None where there is none."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _started(pid: int) -> int | None:
    if not (_PROC / "self/stat").exists():
        return _without_proc(pid)
    fields = stat_fields(pid)
    # A zombie has ended; it waits for somebody to ask how.
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def _without_proc(pid: int) -> int | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return 0
