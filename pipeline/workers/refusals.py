"""What DVC refuses as a user's error: one sentence, which names a damaged ``dvc.lock`` as such."""

from __future__ import annotations

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
        said = _DAMAGED if _is_of_lock(error) else sentence(error)
        if said is None and not isinstance(error, DvcException):
            raise
        raise UserError(said or str(error)) from error


def _is_of_lock(error: Exception) -> bool:
    """Whether DVC could not make sense of ``dvc.lock``; it tells by the file, not by the kind."""
    path = getattr(error, "path", None)
    return isinstance(error, DvcException) and path is not None and Path(path).name == _LOCK
