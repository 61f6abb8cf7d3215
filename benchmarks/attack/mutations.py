"""Any value in any place of a params.yaml: what hypothesis makes of the parameters' dataclasses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from pipeline.common.checked import field_types, ruled

# The keys and numbers that lead to a value.
Place = tuple[Any, ...]

_LEAF = st.none() | st.floats() | st.text(max_size=3)
# What no field should fall for.
_ODD = (
    st.sampled_from(
        [
            None, True, "", " ", "a\0", "\ud800", "x" * 5000, math.nan, math.inf, -math.inf, 0, -1,
            1e-320, 1e308, 10**9, 10**14, 10**30, 10**400, 16**5000, 0.5, 1, 2, [], {}, [[]],
            [1, 1], [math.nan], [0.1, 0.1], ["", ""], {1: 2}, {"": ""}, {None: None}, "name",
            ["name"], {"name": []}, {"name": "adamw"}, {"id": "../.."}, "not in literal [",
        ]
    )
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(_LEAF | st.lists(_LEAF | st.lists(_LEAF, max_size=2), max_size=2), max_size=2)
)  # fmt: skip
_PLAIN = {
    bool: st.booleans(),
    int: st.integers(0, 12),
    float: st.floats(0, 1, width=16) | st.sampled_from([1.5, 4.0]),
    str: st.sampled_from(["name", "s0", "polarity_short"]),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """What may be written where a value of this type stands: half of it is of the type."""
    return _ODD | _fitting(kind)


def _fitting(kind: Any) -> st.SearchStrategy[Any]:
    """Small values of a type; of a section no more than which of its kinds it is."""
    own = ruled(kind).kind
    members, origin = get_args(own), get_origin(own)
    if own in _PLAIN:
        return _PLAIN[own]
    if origin is Literal:
        return st.sampled_from(members)
    if origin is tuple:
        return st.lists(_fitting(members[0]), min_size=1, max_size=3)
    if origin is dict:
        return st.dictionaries(_PLAIN[str], _fitting(members[1]), min_size=1, max_size=2)
    if origin is Union and all(map(is_dataclass, members)):
        names = [get_args(get_type_hints(one).get("name"))[:1] for one in members]
        return st.sampled_from([{"name": name} for known in names for name in known])
    return st.just({})


def places(content: Any, kind: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Where a value can stand: each of the content's, and each field of a dataclass it may have.

    Each comes with the type that its value should have.

    Args:
        content: what a file holds, or a part of it.
        kind: the type that it is read as.
        place: that of the content itself.
    """
    yield place, kind
    own = ruled(kind).kind
    inside = field_types(own) if is_dataclass(own) else {}
    if isinstance(content, dict):
        rest = get_args(own)[-1] if get_origin(own) is dict else Any
        for key in {**content, **dict.fromkeys(inside)}:
            yield from places(content.get(key), inside.get(key, rest), (*place, key))
    elif isinstance(content, list):
        part = get_args(own)[0] if get_origin(own) is tuple else Any
        for index, value in enumerate(content):
            yield from places(value, part, (*place, index))


def changed(content: Any, place: Place, value: Any) -> Any:
    """A copy of the content with the value in that place; sections on the way are made."""
    content = deepcopy(content)
    section = content
    for key in place[:-1]:
        if isinstance(section, dict) and section.get(key) is None:
            section[key] = {}
        section = section[key]
    section[place[-1]] = value
    return content
