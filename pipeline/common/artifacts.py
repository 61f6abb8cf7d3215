"""Files that are either whole or absent: atomic writing, JSON, journals, hashes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    temporary = _temporary(target)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(target.parent)


@contextmanager
def atomic_directory(path: Path | str) -> Iterator[Path]:
    """Yield an empty temporary directory; put it in place of ``path`` when the block succeeds."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(target)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for item in sorted(temporary.rglob("*")):
            _sync(item)
        _sync(temporary)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(target.parent)


def remove_others(path: Path) -> None:
    """Remove all that lies beside ``path``: large work in progress that its like left behind."""
    for other in path.parent.iterdir() if path.parent.exists() else ():
        if other != path:
            shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)


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


def write_jsonl(path: Path | str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one JSON object a line, keys sorted, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text("".join(_line(row) for row in rows), encoding="utf-8")


def read_jsonl(path: Path | str) -> list[Any]:
    """Read the rows of `write_jsonl`; a missing or damaged file is a `UserError` that names it."""
    try:
        return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: run the stage that makes it") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}): delete it and run its stage") from error


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


def journal_line(row: Mapping[str, Any]) -> str:
    """A row as a line of a `Journal`, with the hash of what it says."""
    return _line({**row, _SEAL: _seal(row)})


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
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write(journal_line(row))
            stream.flush()
            os.fsync(stream.fileno())

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
            row: Json = json.loads(line)
            if row.pop(_SEAL) == _seal(row):
                return row
            reason = "altered since it was written"
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            reason = (
                "full of NULs, as after a power cut" if b"\0" in line else "no line of a journal"
            )
        raise UserError(
            f"{self.path}: line {number} is {reason}: remove it (sed -i {number}d {self.path}) and "
            "run again, which does anew what it held"
        ) from None

    def _drop_torn_line(self) -> None:
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        if content and not content.endswith(b"\n"):
            with open(self.path, "r+b") as stream:
                stream.truncate(content.rfind(b"\n") + 1)


def _seal(row: Mapping[str, Any]) -> str:
    return fingerprint(row)[:16]


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _temporary(target: Path) -> Path:
    # The name is fixed, so that what a killed process left behind is cleared by the next one.
    return target.with_name(f".{target.name}.partial")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
