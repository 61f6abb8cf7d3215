"""YAML values to frozen dataclasses, strictly: every mistake is one sentence with its path.

What does the work (`pipeline.common.structure`) is imported with the first value that is parsed, so
that code which only computes runs where its library is not installed.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar

from pipeline.common.artifacts import Json, read_json

T = TypeVar("T")
# What is compared of a key: the search for close ones takes the square of its length.
_LONGEST_KEY = 80


def parse(kind: type[T], value: Any, where: str) -> T:
    """Build the dataclass ``kind`` from ``value``; ``where`` is its place, as ``params.yaml``.

    Unknown keys (the nearest valid one is named), missing keys, values of another type, values that
    the field's type refuses (`pipeline.common.checked`) and values that the dataclass itself
    refuses are a `UserError`.
    """
    return _structured(kind, value, where, strict=True)


def parse_known(kind: type[T], value: Any, where: str) -> T:
    """Like `parse`, but keys that the dataclass does not know are somebody else's and left out."""
    return _structured(kind, value, where, strict=False)


def read_known(kind: type, path: Path | str) -> Json:
    """Read a JSON file that says at least what the dataclass does, of the right types.

    Returns:
        All that the file holds.

    Raises:
        UserError: it is missing, no JSON, or a key is missing or holds something else.
    """
    content = read_json(path)
    parse_known(kind, content, f"{path}: content")
    return content  # type: ignore[no-any-return]


def nearest(key: Any, valid: list[str]) -> str:
    """The phrase that points from a mistyped key to the closest valid one, or lists them all."""
    close = difflib.get_close_matches(str(key)[:_LONGEST_KEY], valid, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"valid keys are {', '.join(sorted(valid))}"


def _structured(kind: type[T], value: Any, where: str, *, strict: bool) -> T:
    from pipeline.common.structure import structured

    return structured(kind, value, where, strict=strict)
