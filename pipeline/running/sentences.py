"""Errors that are nobody's bug as one sentence: a user's mistake, or a machine that is full."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import UserError

_AGAIN = "and run it again"
_SPACE = f"free some space {_AGAIN}"
# What to say by the system's number; {file} is the file, or what it was about where none is known.
_SENTENCES = {
    errno.ENOSPC: f"the disk is full while writing {{file}}: {_SPACE}",
    errno.EDQUOT: f"your share of the disk is used up while writing {{file}}: {_SPACE}",
    errno.EFBIG: f"{{file}} may not get so large here: raise the limit (ulimit -f) {_AGAIN}",
    errno.EROFS: f"{{file}} lies on a read-only file system: make it writable {_AGAIN}",
    errno.EACCES: f"{{file}} may not be read or written: change who may (chmod, chown) {_AGAIN}",
    errno.EPERM: f"{{file}} may not be read or written: change who may (chmod, chown) {_AGAIN}",
    errno.ENAMETOOLONG: "the name {name} is too long for this file system: give tasks and models "
    "shorter names in params.yaml, or the project's folder a shorter path",
    errno.ENOTDIR: f"{{file}} is a file where a folder belongs: move it away {_AGAIN}",
    errno.EEXIST: f"{{file}} is a file where a folder belongs: move it away {_AGAIN}",
    errno.EISDIR: f"{{file}} is a folder where a file belongs: move it away {_AGAIN}",
    errno.EIO: "the disk fails at {file} (input/output error): look at the system's log, and save "
    "what you have",
    errno.EMFILE: f"too many files are open: raise the limit (ulimit -n) {_AGAIN}",
    errno.ENFILE: f"too many files are open on this machine: end something else {_AGAIN}",
}
_ENDED_BY_MEMORY = (
    "memory ran out ({what}): lower --jobs, pretrain.recipe.micro_batch or finetune.batch, end "
    f"what else runs here, or raise the limit (ulimit -v), {_AGAIN}"
)
# How libraries say that there was no memory, where they do not raise MemoryError.
_NO_MEMORY = re.compile(
    r"alloc\w* memory|not enough memory|out of memory|bad_?alloc|failed to map segment"
    r"|can't start new thread",
    re.IGNORECASE,
)
_RUST = re.compile(r"\(os error (\d+)\)")
_TEMPORARY = re.compile(r"\.(.+)\.\d+-\d+-\d+\.partial")


def sentence(error: BaseException) -> str | None:
    """What to tell the user of an error; None for one that only a developer can make sense of."""
    if isinstance(error, UserError):
        return str(error)
    return next(filter(None, map(_said, _chain(error))), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it came from, the last one first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _said(error: BaseException) -> str | None:
    number = _number(error)
    if number == errno.ENOMEM or isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        first = (str(error).strip() or "nothing was left to allocate").splitlines()[0]
        return _ENDED_BY_MEMORY.format(what=first)
    if number not in _SENTENCES:
        return None
    file = _file(error)
    if number in (errno.ENOTDIR, errno.EEXIST):
        file = _blocking(file)
        if file is None:
            # What is in the way is gone, or a folder as it should be: not what we know to explain.
            return None
    name = "of a file" if file is None else file.name
    return _SENTENCES[number].format(file=file or "a file", name=name)


def _number(error: BaseException) -> int | None:
    """The system's number of an error, also where only its words have it, as with Rust's."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    told = _RUST.search(str(error))
    return int(told[1]) if told else None


def _file(error: BaseException) -> Path | None:
    """The file that an error is about, by the name that it was to get."""
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if not isinstance(named, str | bytes | os.PathLike):
        return None
    path = Path(os.fsdecode(named))
    return Path(*(_TEMPORARY.sub(r"\1", part) for part in path.parts))


def _blocking(path: Path | None) -> Path | None:
    """The file among a path and the folders above it."""
    return None if path is None else next(filter(Path.is_file, (path, *path.parents)), None)
