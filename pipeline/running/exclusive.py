"""One process at a time: a lock that the system takes back when its holder ends, however."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipeline.errors import UserError

# Who was killed may take a moment to end.
_PATIENCE = 3.0
# Some file systems of clusters have no locks.
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold the lock ``path`` during the block.

    Args:
        path: the lock file; it stays when the lock is let go of.
        what: what only one process may do, the start of a sentence.

    Raises:
        UserError: another process holds it, and still does after a moment.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as stream:
        _take(stream, what)
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


def _take(stream: TextIO, what: str) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                break
        except OSError as error:
            if error.errno in _WITHOUT_LOCKS:
                return None
            raise
        time.sleep(0.1)
    stream.seek(0)
    holder = stream.read().strip()
    raise UserError(
        f"{what} is being made by process {holder} already: wait until it has ended, or end it "
        f"(kill {holder})"
    )
