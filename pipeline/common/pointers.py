"""Files of a Git LFS repository that was cloned without them: a few lines stand in their place."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import UserError

_BEGINNING = b"version https://git-lfs"


def check_no_pointer(path: Path) -> None:
    """Check that a file is the file itself.

    Raises:
        UserError: it is a Git LFS pointer.
    """
    with open(path, "rb") as stream:
        beginning = stream.read(len(_BEGINNING))
    if beginning == _BEGINNING:
        raise UserError(
            f"{path} is a Git LFS pointer, not the file that it stands for: run git lfs pull where "
            "it was cloned, or download the file itself"
        )
