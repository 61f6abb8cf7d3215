"""Files by the hash of what is in them: what travels to a node, and what a node has already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.common.artifacts import sha256

_SKIPPED = ("__pycache__",)
# The most bytes of a message between nodes.
MOST = 32 << 20


class Piece(NamedTuple):
    """A file: its path below the study's folder, the SHA-256 and the number of its bytes."""

    path: str
    sha256: str
    size: int


class Hashes:
    """The pieces that lie below a folder; a file that stays as it is, is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def pieces(self, places: Iterable[Path]) -> tuple[Piece, ...]:
        """Every file in these files and folders, each once; what is missing is left out."""
        found = dict.fromkeys(file for place in places for file in files_of(self._root / place))
        return tuple(map(self._piece, found))

    def _piece(self, path: Path) -> Piece:
        status = path.stat()
        now = status.st_ino, status.st_mtime_ns, status.st_size
        known = self._known.get(path)
        if known is None or known[0] != now:
            known = self._known[path] = (now, sha256(path))
        return Piece(path.relative_to(self._root).as_posix(), known[1], status.st_size)


def files_of(place: Path) -> Iterator[Path]:
    """A file itself, or in order all files of a folder, compiled modules and half files apart."""
    if place.is_file():
        yield place
    elif place.is_dir():
        for path in sorted(place.rglob("*")):
            if path.is_file() and not is_passing(path.relative_to(place)):
                yield path


def is_passing(path: Path) -> bool:
    """Whether a file is one that nobody else needs: a compiled module, or one half written."""
    return path.suffix == ".partial" or any(
        part in _SKIPPED or part.endswith(".partial") for part in path.parts
    )


def spans(size: int) -> Iterator[tuple[int, int]]:
    """Offsets and lengths that cover so many bytes, none longer than a message; one of nothing."""
    for offset in range(0, max(size, 1), MOST):
        yield offset, min(MOST, size - offset)
