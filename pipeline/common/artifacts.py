"""Files that are either whole or absent: atomic writing, JSON, journals, hashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.common.temporary import remove, temporary_beside
from pipeline.errors import UserError

# What a JSON file or a YAML file holds, before it has a type of its own.
Json = dict[str, Any]

_HASH_CHUNK = 1 << 20


@contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it over ``path`` when the block succeeds.

    When the block raises, the temporary file is removed and ``path`` stays as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, target)
    except BaseException:
        remove(temporary)
        raise
    _sync(target.parent)


@contextmanager
def atomic_directory(path: Path | str) -> Iterator[Path]:
    """Yield an empty temporary directory; put it in place of ``path`` when the block succeeds."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    temporary.mkdir()
    try:
        yield temporary
        for item in sorted(temporary.rglob("*")):
            _sync(item)
        _sync(temporary)
        _replace_folder(temporary, target)
    except BaseException:
        remove(temporary)
        raise
    _sync(target.parent)


def remove_others(path: Path) -> None:
    """Remove all that lies beside ``path``: large work in progress that its like left behind."""
    for other in path.parent.iterdir() if path.parent.exists() else ():
        if other != path:
            remove(other)


def write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` with sorted keys, atomically; NaN and infinity are refused (ValueError)."""
    with atomic_file(path) as temporary:
        temporary.write_text(
            json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )


def read_json(path: Path | str) -> Any:
    """Read a JSON file; a missing, damaged or non-UTF-8 one is a `UserError` that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: run the stage that makes it") from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is not valid JSON ({error}): get the file again, or where a stage makes it "
            "run that anew (dvc repro -f)"
        ) from error


def sha256(path: Path | str) -> str:
    """Hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fingerprint(value: Any) -> str:
    """Hex SHA-256 of a JSON-able value in canonical form: the identity of what work depends on."""
    text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# The key of a journal's line that is not the row's.
_SEAL = "sha256"


def journal_line(row: Mapping[str, Any], place: Json | None = None) -> str:
    """A row as a line of a `Journal`, with the hash of what it says.

    Args:
        row: what the line says.
        place: where alone the line counts; the hash is of that as well.
    """
    return _line({**row, _SEAL: _seal(row, place)})


def journal_row(line: bytes, place: Json | None = None) -> Json:
    """The row of a line that `journal_line` made for this place.

    Raises:
        ValueError: it is not what was written; says in what way.
    """
    try:
        row: Json = json.loads(line)
        if row.pop(_SEAL) == _seal(row, place):
            return row
        reason = "altered since it was written"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        reason = "full of NULs, as after a power cut" if b"\0" in line else "no line of a journal"
    raise ValueError(reason) from None


class Journal:
    """An append-only JSONL file whose lines carry their own hash.

    Each row is on disk before `append` returns. A last line that a crash cut short was never
    promised and does not count; any other line that is not what was written is refused.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def append(self, row: Mapping[str, Any]) -> None:
        """Append one row and fsync it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._drop_torn_line()
        try:
            with open(self.path, "a", encoding="utf-8") as stream:
                stream.write(journal_line(row))
                stream.flush()
                os.fsync(stream.fileno())
        except OSError:
            self._drop_torn_line()
            raise

    def read(self) -> list[Json]:
        """All whole rows.

        Raises:
            UserError: a line was altered, or holds NULs, as a power cut leaves them.
        """
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        if b"\0" not in lines[-1]:
            lines.pop()
        return [self._row(number, line) for number, line in enumerate(lines, start=1)]

    def _row(self, number: int, line: bytes) -> Json:
        try:
            return journal_row(line)
        except ValueError as error:
            raise UserError(
                f"{self.path}: line {number} is {error}: remove it (sed -i {number}d {self.path}) "
                "and run again, which does anew what it held"
            ) from None

    def _drop_torn_line(self) -> None:
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        if content and not content.endswith(b"\n"):
            with open(self.path, "r+b") as stream:
                stream.truncate(content.rfind(b"\n") + 1)


def _seal(row: Mapping[str, Any], place: Json | None) -> str:
    return fingerprint(row if place is None else [row, place])[:16]


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _replace_folder(new: Path, target: Path) -> None:
    """Put a folder in the place of another, which is whole until it is out of the way."""
    old = temporary_beside(target)
    if target.is_dir():
        os.replace(target, old)
    os.replace(new, target)
    remove(old)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
