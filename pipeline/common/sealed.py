"""Outputs that carry the hash of their own content: what was damaged in place is not believed.

DVC keeps an output and its copy in the cache as one file under two names where it can, and asks a
file's date and size whether it changed. A flipped bit, or an edit by who may write anywhere, is in
both then, and DVC brings the damage back. So whoever reads an output looks at the hash inside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.common.artifacts import (
    Json,
    atomic_file,
    fingerprint,
    journal_line,
    journal_row,
    sha256,
    write_json,
)
from pipeline.errors import UserError

_SEAL = "seal"


def damaged(path: Path | str) -> UserError:
    """The error that names a damaged output, and the command that heals it."""
    return UserError(
        f"{path} is missing, truncated or altered, and so may be its copy in DVC's cache: run "
        "python -m pipeline heal, then dvc repro"
    )


def write_sealed(path: Path | str, value: Mapping[str, Any]) -> None:
    """Write a JSON object with the hash of what it says, atomically (`write_json`)."""
    write_json(path, {**value, _SEAL: _seal(value)})


def read_sealed(path: Path | str) -> Json:
    """Read what `write_sealed` wrote.

    Raises:
        UserError: the file is missing, damaged, or says something else than was written.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        raise damaged(path) from None
    if not isinstance(value, dict) or value.pop(_SEAL, None) != _seal(value):
        raise damaged(path)
    return value


def hash_of(path: Path) -> str:
    """The hash of an output's bytes, which whatever is made from it depends on.

    Raises:
        UserError: it is missing.
    """
    if not path.is_file():
        raise damaged(path)
    return sha256(path)


def check_whose(path: Path | str, found: Sequence[str], wanted: Sequence[str]) -> None:
    """See that a sealed file is that of the item in whose place it lies.

    Args:
        path: the file.
        found: what it says that it is of: a model and a task.
        wanted: what it should be of.

    Raises:
        UserError: it is another's, put or copied here.
    """
    if tuple(found) != tuple(wanted):
        raise UserError(
            f"{path} is the result of {' and '.join(found)}, not of {' and '.join(wanted)}: run "
            "python -m pipeline heal, then dvc repro"
        )


def write_jsonl(
    path: Path | str, rows: Sequence[Mapping[str, Any]], whose: Sequence[str] = ()
) -> None:
    """Write one JSON object a line, atomically, each with its own hash as in a `Journal`.

    The hash is also of the line's number, of how many there are, and of whose they are; so none can
    be lost, and no file can stand for another. Of no rows an empty one tells.

    Args:
        path: the file.
        rows: what the lines say.
        whose: the item that they are of, such as a model and a task; nobody's in a folder with a
            manifest, which knows its files.
    """
    lines = list(rows) or [{}]
    text = [journal_line(row, _place(n, lines, whose)) for n, row in enumerate(lines)]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(text), encoding="utf-8")


def read_jsonl(path: Path | str, whose: Sequence[str] = ()) -> list[Json]:
    """Read the rows that `write_jsonl` wrote for that item.

    Raises:
        UserError: the file is missing, or another than was written, or another item's.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
        rows = [journal_row(line, _place(n, lines, whose)) for n, line in enumerate(lines)]
    except (FileNotFoundError, ValueError):
        raise damaged(path) from None
    if not rows:
        raise damaged(path)
    return [row for row in rows if row]


def _place(number: int, lines: Sequence[Any], whose: Sequence[str]) -> Json:
    return {"line": number, "of": len(lines), "whose": list(whose)}


def check_files(folder: Path, hashes: Mapping[str, str]) -> None:
    """Check files of a folder against the hashes that its manifest has of them.

    Raises:
        UserError: one is missing, truncated or altered.
    """
    for name, digest in hashes.items():
        if hash_of(folder / name) != digest:
            raise damaged(folder / name)


def _seal(value: Mapping[str, Any]) -> str:
    # As it comes back from the file: tuples are lists there.
    return fingerprint(json.loads(json.dumps(value)))
