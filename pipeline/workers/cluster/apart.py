"""A node that does not share the study's folder: what it gets, keeps, and sends home.

Files are kept under the hash of what is in them, so that each crosses the network once whatever
reads it. A command runs in a folder of its own that has links to the files it reads, with modules
from a folder that is named by the hash of all of them: no two versions of the code ever mix.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from pipeline import paths
from pipeline.common.artifacts import atomic_directory, atomic_file, fingerprint
from pipeline.common.temporary import remove
from pipeline.errors import UserError
from pipeline.workers.cluster.order import Gone, Order, Part
from pipeline.workers.cluster.pieces import MOST, Piece, files_of, spans

# Work in progress: rows are appended to a journal, any other file is replaced as a whole.
_SCRATCH = paths.scratch("").as_posix()
_JOURNAL = ".jsonl"
_WAIT = 0.5
# Seconds between the moment at which a file is known to be here and that at which it is laid out,
# at most.
_LATELY = 3600.0


class Source(Protocol):
    """The study's folder, as a node can ask for it (`home.Sender`)."""

    def pieces(self, places: tuple[str, ...]) -> tuple[Piece, ...]:
        """The files that lie in these places now."""

    def read(self, wanted: list[tuple[Piece, int, int]]) -> list[bytes]:
        """Of a file, an offset and a length the bytes; several at a time."""


class Store:
    """A node's files by the hash of what is in them.

    Args:
        folder: where they lie.
        source: where what is missing comes from.
        most: bytes above which those that were used longest ago are removed.
    """

    def __init__(self, folder: Path, source: Source, most: int) -> None:
        self.folder = folder
        self.source = source
        self._most = most

    def bring(self, pieces: Iterable[Piece]) -> Iterator[None]:
        """Fetch what is missing, while no other process of the node does; yields now and then.

        Raises:
            UserError: a file is no longer what it was when it was asked for.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._undisturbed(fcntl.LOCK_SH):
            missing = [piece for piece in pieces if not self._marked(piece)]
        if not missing:
            return
        with open(self.folder / "fetching.lock", "w") as lock:
            while not _taken(lock.fileno()):
                yield
                time.sleep(_WAIT)
            yield from self._fetch([one for one in missing if not self._place(one).exists()])
        self._make_room()

    @contextmanager
    def _undisturbed(self, kind: int) -> Iterator[None]:
        """While nobody removes anything, or while nobody looks at what is there."""
        with open(self.folder / "removing.lock", "w") as lock:
            fcntl.flock(lock.fileno(), kind)
            yield

    def _marked(self, piece: Piece) -> bool:
        """Whether a piece is there; then it counts as used now."""
        try:
            os.utime(self._place(piece))
        except FileNotFoundError:
            return False
        return True

    def _make_room(self) -> None:
        """Remove what was used longest ago until there are no more bytes than may be.

        What a stage still has under its name needs no room of its own, and what one was given
        lately it may be about to lay out: these stay.
        """
        with self._undisturbed(fcntl.LOCK_EX):
            kept = [(path.stat(), path) for path in files_of(self.folder / "objects")]
            size, lately = sum(status.st_size for status, _ in kept), time.time() - _LATELY
            for status, path in sorted(kept, key=lambda one: one[0].st_mtime):
                if size <= self._most or status.st_mtime > lately:
                    return
                if status.st_nlink == 1:
                    path.unlink()
                    size -= status.st_size

    def _fetch(self, pieces: list[Piece]) -> Iterator[None]:
        small: list[Piece] = []
        for piece in {piece.sha256: piece for piece in pieces}.values():
            if piece.size > MOST:
                yield from self._fetch_large(piece)
                continue
            if sum(one.size for one in small) + piece.size > MOST:
                self._fetch_small(small)
                small = []
                yield
            small.append(piece)
        self._fetch_small(small)

    def _fetch_small(self, pieces: list[Piece]) -> None:
        if pieces:
            found = self.source.read([(one, 0, one.size) for one in pieces])
            for piece, data in zip(pieces, found, strict=True):
                _check(piece, hashlib.sha256(data).hexdigest())
                with self._new(piece) as temporary:
                    temporary.write_bytes(data)

    def _fetch_large(self, piece: Piece) -> Iterator[None]:
        digest = hashlib.sha256()
        with self._new(piece) as temporary:
            with open(temporary, "wb") as stream:
                for offset, length in spans(piece.size):
                    (data,) = self.source.read([(piece, offset, length)])
                    digest.update(data)
                    stream.write(data)
                    yield
            _check(piece, digest.hexdigest())

    def _new(self, piece: Piece) -> AbstractContextManager[Path]:
        return atomic_file(self._place(piece))

    def _place(self, piece: Piece) -> Path:
        return self.folder / "objects" / piece.sha256[:2] / piece.sha256

    def lay_out(self, pieces: Iterable[Piece], folder: Path) -> None:
        """Put the files under their names: work in progress as copies, all else as links."""
        for piece in pieces:
            target = folder / piece.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if piece.path.startswith(_SCRATCH):
                shutil.copyfile(self._place(piece), target)
            else:
                os.link(self._place(piece), target)


class Workplace:
    """A folder that has what one order's command reads, and in which it runs."""

    def __init__(self, store: Store, order: Order) -> None:
        self._store = store
        self._order = order
        # Several studies may use one node, and several nodes one folder.
        study, number = fingerprint(str(order.root))[:8], order.share.number
        name = quote(order.stage, safe="@") + (f"+{number}" if number else "")
        self._stage = store.folder / "work" / study / name
        self.root = self._stage / str(order.attempt)
        self.code = store.folder / "code"
        self._known: dict[Path, tuple[int, int, int]] = {}

    def prepare(self) -> Iterator[None]:
        """Bring the code and the inputs and lay them out; yields now and then."""
        # What an attempt left that was killed.
        remove(self._stage)
        code, inputs = map(self._store.source.pieces, (self._order.code, self._order.inputs))
        yield from self._store.bring([*code, *inputs])
        self.code /= fingerprint(code)[:16]
        if not self.code.exists():
            with atomic_directory(self.code) as temporary:
                self._store.lay_out(code, temporary)
        self._store.lay_out(inputs, self.root)
        (self.root / self._order.folder).mkdir(parents=True, exist_ok=True)
        self._known = {path: _mark(path) for path in self._scratch()}

    def progress(self) -> Iterator[Part | Gone]:
        """What of the work in progress is new since the last time, as the driver is to have it.

        A row of a journal may speak of another file, which is there before it: so it is sent after.
        """
        lengths = {path: _whole_lines(path) for path in self._scratch() if path.suffix == _JOURNAL}
        for path in self._known.keys() - set(self._scratch()):
            del self._known[path]
            yield Gone(self._name(path))
        for path in self._scratch():
            if path.suffix != _JOURNAL and self._known.get(path) != (mark := _mark(path)):
                self._known[path] = mark
                # Half a segment's weights are not worth the way: it starts over elsewhere.
                if mark[-1] <= MOST:
                    yield Part(self._name(path), 0, path.read_bytes(), progress=True)
        for path, length in lengths.items():
            yield from self._rows(path, length)

    def _rows(self, path: Path, length: int) -> Iterator[Part]:
        inode, _, sent = self._known.get(path, (0, 0, 0))
        now = path.stat().st_ino
        start = sent if inode == now and sent <= length else 0
        if start < length:
            self._known[path] = now, 0, length
            with open(path, "rb") as stream:
                stream.seek(start)
                yield Part(self._name(path), start, stream.read(length - start), progress=True)

    def outputs(self) -> Iterator[Part]:
        """The bytes of all outputs."""
        for output in self._order.outputs:
            for file in files_of(self.root / output):
                with open(file, "rb") as stream:
                    for offset, length in spans(file.stat().st_size):
                        yield Part(self._name(file), offset, stream.read(length), progress=False)

    def clear(self) -> None:
        """Remove the folder; what has been fetched stays."""
        remove(self._stage)

    def _scratch(self) -> list[Path]:
        own = self.root / _SCRATCH
        locks = self.root / paths.lock("").parent
        return [path for path in files_of(own) if not path.is_relative_to(locks)]

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check(piece: Piece, found: str) -> None:
    if found != piece.sha256:
        raise UserError(f"{piece.path} was changed while it was sent to a node: run it again")


def _mark(path: Path) -> tuple[int, int, int]:
    """What tells that a file is another one; of a journal also how much of it is whole."""
    if path.suffix == _JOURNAL:
        return path.stat().st_ino, 0, _whole_lines(path)
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _whole_lines(path: Path) -> int:
    """Bytes up to the end of the last line that has one."""
    return path.read_bytes().rfind(b"\n") + 1
