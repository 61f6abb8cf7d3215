"""What DVC refuses as a user's error: one sentence, which names a damaged ``dvc.lock`` as such."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.exceptions import DvcException

from pipeline.errors import UserError
from pipeline.running.sentences import sentence

_LOCK = "dvc.lock"
_DAMAGED = (
    f"{_LOCK} is damaged, or in the middle of a merge: take it back from git (git checkout "
    f"{_LOCK}) or remove it, and run python -m pipeline repro, which brings back all results that "
    "DVC's cache has"
)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Raise what DVC, or a machine that is full, says in the block as a `UserError`."""
    try:
        yield
    except (DvcException, OSError) as error:
        said = _DAMAGED if _is_of_lock(error) else sentence(error) or _missing(error)
        if said is None and not isinstance(error, DvcException):
            raise
        raise UserError(said or str(error)) from error


def _missing(error: Exception) -> str | None:
    """A sentence on a file or folder that a stage depends on, which DVC looked for in vain."""
    if not isinstance(error, FileNotFoundError) or error.filename is None:
        return None
    return (
        f"{os.path.relpath(error.filename)} is missing, and a stage depends on it: bring it back, "
        "from git (git checkout) or by running the stage that makes it"
    )


def _is_of_lock(error: Exception) -> bool:
    """Whether DVC could not make sense of ``dvc.lock``; it tells by the file, not by the kind."""
    path = getattr(error, "path", None)
    return isinstance(error, DvcException) and path is not None and Path(path).name == _LOCK
