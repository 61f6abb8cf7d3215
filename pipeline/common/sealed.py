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
    read_json,
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
    value = read_json(path)
    if not isinstance(value, dict) or value.pop(_SEAL, None) != _seal(value):
        raise damaged(path)
    return value


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


def write_jsonl(path: Path | str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one JSON object a line, each with its own hash as in a `Journal`, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text("".join(map(journal_line, rows)), encoding="utf-8")


def read_jsonl(path: Path | str) -> list[Json]:
    """Read the rows of `write_jsonl`; how many there should be is for the caller to know.

    Raises:
        UserError: the file is missing, or a line is not what was written.
    """
    try:
        return [journal_row(line) for line in Path(path).read_bytes().splitlines()]
    except (FileNotFoundError, ValueError):
        raise damaged(path) from None


def check_files(folder: Path, hashes: Mapping[str, str]) -> None:
    """Check files of a folder against the hashes that its manifest has of them.

    Raises:
        UserError: one is missing, truncated or altered.
    """
    for name, digest in hashes.items():
        path = folder / name
        if not path.is_file() or sha256(path) != digest:
            raise damaged(path)


def _seal(value: Mapping[str, Any]) -> str:
    # As it comes back from the file: tuples are lists there.
    return fingerprint(json.loads(json.dumps(value)))
