"""Names for what is half written: no two processes share one, and the next one clears them."""

from __future__ import annotations

import os
import re
import shutil
from itertools import count
from pathlib import Path

from pipeline.common.processes import Process

SUFFIX = ".partial"
# Bytes of the target's own name that are kept, so that the rest has room.
_KEPT = 150
_OWNER = re.compile(r"\.(\d+)-(\d+)-\d+\.partial")
_numbers = count()


def temporary_beside(target: Path) -> Path:
    """A path beside ``target`` that nobody else has; what ended processes left there is removed."""
    start = "." + os.fsencode(target.name)[:_KEPT].decode(errors="ignore")
    for path in target.parent.iterdir():
        if path.name.startswith(start) and _left_behind(path.name.removeprefix(start)):
            remove(path)
    own = Process.of(os.getpid())
    assert own is not None
    return target.with_name(f"{start}.{own.pid}-{own.started}-{next(_numbers)}{SUFFIX}")


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _left_behind(rest: str) -> bool:
    owner = _OWNER.fullmatch(rest)
    return owner is not None and not Process(int(owner[1]), int(owner[2])).alive
