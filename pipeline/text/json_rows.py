"""JSON as rows: an object a line, or one array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.common.checked import shown
from pipeline.common.quoted import quoted
from pipeline.errors import UserError
from pipeline.text.streams import open_text

Row = dict[str, Any]


def read_json_lines(path: Path) -> Iterator[Row]:
    """Yield the object on each line; lines with nothing on them are no rows.

    Raises:
        UserError: a line is no JSON object, or has a key twice.
    """
    with open_text(path) as stream:
        yield from _lines(stream, path)


def read_json(path: Path) -> Iterator[Row]:
    """Yield the objects of an array, or those on lines where the file does not begin one.

    Raises:
        UserError: something else than objects is there, or one has a key twice.
    """
    with open_text(path) as stream:
        blank = []
        for line in stream:
            if line.strip():
                break
            blank.append(line)
        else:
            return
        if line.lstrip().startswith("["):
            yield from _array("".join([*blank, line, *stream]), path)
        else:
            yield from _lines(chain(blank, [line], stream), path)


def _lines(lines: Iterator[str] | chain[str], path: Path) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            where = f"{path}, line {number}"
            yield _object(_value(line, where), where)


def _array(text: str, path: Path) -> Iterator[Row]:
    for number, item in enumerate(_value(text, str(path)), start=1):
        yield _object(item, f"{path}, item {number}")


def _value(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON ({quoted(error)})") from None


def _object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        hint = ": an array of objects needs format: json" if isinstance(value, list) else ""
        raise UserError(f"{where}: not a JSON object{hint}")
    return value


def _distinct(pairs: Sequence[tuple[str, Any]]) -> Row:
    """An object, of which Python would keep the last of two values of one key."""
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in made if keys.count(key) > 1)
        raise ValueError(f"an object has the key {shown(twice)} twice")
    return made
