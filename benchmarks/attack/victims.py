"""The processes of a study, by the part that they play; Linux tells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from benchmarks.attack.tiny import MARK
from pipeline.common.processes import Process, stat_fields


class Victim(NamedTuple):
    """A process that can be killed, and what it is."""

    pid: int
    part: str


def processes(study: Path) -> list[int]:
    """Every process that was started by a command of the study, also of one that has ended."""
    mark = f"{MARK}={study}\0".encode()
    found = []
    for place in Path("/proc").iterdir():
        try:
            own = place.name.isdecimal() and mark in (place / "environ").read_bytes() + b"\0"
        except OSError:
            continue
        if own and Process.of(int(place.name)):
            found.append(int(place.name))
    return found


def victims(study: Path, root: int) -> list[Victim]:
    """The processes of a command that are worth a kill.

    Args:
        study: its folder.
        root: the command's own process: a driver or ``dvc``.
    """
    servers = [pid for pid in processes(study) if b"forkserver" in _words(pid)]
    found = [Victim(root, "driver" if b"pipeline" in _words(root) else "dvc")]
    for pid in processes(study):
        fields = stat_fields(pid)
        parent = int(fields[1]) if fields else 0
        if parent in servers:
            found.append(Victim(pid, "worker"))
        elif pid in servers:
            found.append(Victim(pid, "fork server"))
        elif parent == root and b"stages." in _words(pid):
            found.append(Victim(pid, "stage"))
    return found


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def kill(pid: int, signal: int) -> bool:
    """Send a signal; return whether the process was still there."""
    try:
        os.kill(pid, signal)
    except ProcessLookupError:
        return False
    return True
