"""The driver's side of files: what nodes ask for is read here, what they send is put here."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from pipeline import paths
from pipeline.common.artifacts import atomic_file
from pipeline.common.temporary import remove
from pipeline.workers.cluster.order import Gone, Part
from pipeline.workers.cluster.pieces import Hashes, Piece


class Sent(NamedTuple):
    """What a run sent to its nodes.

    Attributes:
        times: how often each node asked for each content: of its id and a SHA-256.
        size: the bytes of all.
    """

    times: Counter[tuple[str, str]]
    size: int

    def sentence(self) -> str:
        """How much it was, and whether anything went to one node more than once."""
        files, nodes = self.times.total(), len({node for node, _ in self.times})
        again = files - len(self.times)
        told = f"{again} of them again" if again else "none twice to the same"
        return f"{files} files ({self.size / 1e6:.1f} MB) were sent to {nodes} nodes, {told}"


class Sender:
    """Reads and hashes files for nodes: a process beside the driver (a Ray actor)."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._hashes = Hashes(root)
        self._times: Counter[tuple[str, str]] = Counter()
        self._size = 0

    def pieces(self, places: tuple[str, ...]) -> tuple[Piece, ...]:
        """The files that lie in these places now, by the hash of what is in them."""
        return self._hashes.pieces(map(Path, places))

    def read(self, node: str, wanted: list[tuple[Piece, int, int]]) -> list[bytes]:
        """Bytes of files: of each so many from an offset on."""
        found = []
        for piece, offset, length in wanted:
            with open(self._root / piece.path, "rb") as stream:
                stream.seek(offset)
                found.append(stream.read(length))
            if not offset:
                self._times[node, piece.sha256] += 1
        self._size += sum(map(len, found))
        return found

    def sent(self) -> Sent:
        """What was sent so far."""
        return Sent(self._times, self._size)


class Arrivals:
    """What one node sends of one stage, which makes these ``outputs``."""

    def __init__(self, root: Path, stage: str, outputs: tuple[str, ...]) -> None:
        self._root = root
        self._made = outputs
        self._outputs = root / paths.ARRIVING / quote(stage, safe="@")
        remove(self._outputs)

    def take(self, part: Part) -> None:
        """Write bytes of a file: an output apart from its place, work in progress into it."""
        if not part.progress:
            _write(self._outputs / part.path, part.offset, part.data)
        elif part.offset:
            _write(self._root / part.path, part.offset, part.data)
        else:
            with atomic_file(self._root / part.path) as temporary:
                temporary.write_bytes(part.data)

    def drop(self, gone: Gone) -> None:
        """Remove a file of the work in progress."""
        (self._root / gone.path).unlink(missing_ok=True)

    def place(self) -> None:
        """Put what has arrived of the outputs into their places."""
        for output in self._made:
            arrived, place = self._outputs / output, self._root / output
            if arrived.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                remove(place)
                os.replace(arrived, place)
        shutil.rmtree(self._outputs, ignore_errors=True)


def _write(path: Path, offset: int, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "r+b" if path.exists() else "wb") as stream:
        stream.truncate(offset)
        stream.seek(offset)
        stream.write(data)
