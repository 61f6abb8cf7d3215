"""A process that ends with the one that started it.

A stage whose ``dvc`` was killed would write into folders that the next run works in.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from functools import cache
from pathlib import Path

from pipeline.common.processes import Process, stat_fields

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_SHELLS = ("ash", "bash", "busybox", "dash", "fish", "ksh", "sh", "zsh")
_LOOK_EVERY = 0.5


@cache
def end_with_parent(parent: int) -> None:
    """End this process as soon as ``parent``, which started it, has ended.

    Linux does it by itself, whatever this process is busy with. Elsewhere, and for who waits above
    a shell that lives on alone, a thread looks twice a second.

    Args:
        parent: the number of the process that started this one, known as early as can be.
    """
    by_the_system = end_by_the_system()
    if os.getppid() != parent or _came_too_late():
        _end()
    above = _above(parent)
    if above or not by_the_system:
        threading.Thread(target=_watch, args=(parent, above), daemon=True).start()


def end_by_the_system() -> bool:
    """Ask the system to kill this process when its parent ends; return whether it does that."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0) == 0)


def _came_too_late() -> bool:
    """Whether DVC was gone before this process could look: it is init's child, of others' group."""
    return "DVC_ROOT" in os.environ and os.getppid() == 1 and os.getpgid(1) != os.getpgrp()


def _above(parent: int) -> list[Process]:
    """Who waits for the parent, where that is a shell: those above it, up to the first program."""
    above: list[Process] = []
    while _is_shell(parent):
        fields = stat_fields(parent)
        waiting = Process.of(int(fields[1])) if fields else None
        if waiting is None:
            break
        above.append(waiting)
        parent = waiting.pid
    return above


def _is_shell(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() in _SHELLS
    except OSError:
        return False


def _watch(parent: int, above: list[Process]) -> None:
    while os.getppid() == parent and all(one.alive for one in above):
        time.sleep(_LOOK_EVERY)
    _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
