"""In which parameters studies differ, as their params.yaml write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from typing import Any, NamedTuple

from pipeline.common.artifacts import Json
from pipeline.errors import UserError
from pipeline.study.reading import as_params

NOT_GIVEN = "not given"


class Difference(NamedTuple):
    """A parameter by its dotted name, and its value in each study, in words."""

    name: str
    values: tuple[str, ...]


def differences(written: Sequence[Json]) -> list[Difference]:
    """The parameters in which studies differ, in the order of the first that gives them.

    A parameter that a study leaves out counts with its default, where this version reads the study
    and has the parameter at the same place: to write a default out makes no difference.

    Args:
        written: what each study's params.yaml says.
    """
    full = [_full(one) for one in written]
    if None not in full and all(one == full[0] for one in full):
        return []
    plain = [dict(_leaves(one)) for one in written]
    names = dict.fromkeys(name for one in plain for name in one)
    found = []
    for name in names:
        values = tuple(_value(name, *both) for both in zip(plain, full, strict=True))
        if len(set(values)) > 1:
            found.append(Difference(name, values))
    return found


def _full(content: Json) -> Mapping[str, Any] | None:
    """All parameters with their defaults; None where this version cannot read them."""
    try:
        return asdict(as_params(deepcopy(content)))
    except UserError:
        return None


def _leaves(content: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Each parameter with its dotted name; a list of plain values is one parameter."""
    if isinstance(content, Mapping) and content:
        items = [(f"{before}.{key}" if before else str(key), one) for key, one in content.items()]
    elif isinstance(content, list) and any(isinstance(one, Mapping | list) for one in content):
        items = [(f"{before}[{place}]", one) for place, one in enumerate(content)]
    else:
        yield before, content
        return
    for name, one in items:
        yield from _leaves(one, name)


def _value(name: str, plain: Mapping[str, Any], full: Mapping[str, Any] | None) -> str:
    if name in plain:
        return _in_words(plain[name])
    found: Any = full
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return NOT_GIVEN if found is None or isinstance(found, Mapping) else _in_words(found)


def _in_words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_in_words, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and value.is_integer():
        # 2 and 2.0 are the same number to every parameter.
        return f"{value:g}"
    return str(value)
