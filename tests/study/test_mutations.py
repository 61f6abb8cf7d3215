"""Any value in any place of a preset: it is read, or refused with one sentence.

What is read goes through all that comes before the first stage: the graph, the settings' files, and
the estimate of costs. ``FUZZ_EXAMPLES=8000 pytest tests/study/test_mutations.py`` looks at more than
usual; ``python -m benchmarks.attack params`` does that.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pipeline.common.checked import field_types, ruled
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.estimate import expected
from pipeline.estimate.costs import estimate
from pipeline.estimate.describe import describe
from pipeline.study.graph import graph_text
from pipeline.study.measured import searches
from pipeline.study.params import Params
from pipeline.study.reading import as_params
from pipeline.study.settings import settings_files
from pipeline.study.tasks import completed

ROOT = Path(__file__).parents[2]
PRESETS = {path.stem: read_yaml(path) for path in sorted((ROOT / "presets").glob("*.yaml"))}
Place = tuple[Any, ...]


def leaves(kind: Any, name: str = "params") -> Iterator[tuple[str, Any]]:
    """Every type of a value in the tree of a dataclass, rules and all, and its field's name."""
    own = ruled(kind)
    if is_dataclass(own.kind):
        for key, hint in field_types(own.kind).items():
            yield from leaves(hint, f"{own.kind.__name__}.{key}")
        return
    inside = [part for part in get_args(own.kind) if part is not Ellipsis]
    if get_origin(own.kind) in (dict, tuple) or any(map(is_dataclass, inside)):
        for part in inside:
            yield from leaves(part, name)
    else:
        yield name, kind


def test_every_field_of_the_parameters_says_what_it_may_be() -> None:
    """A bare number or text would be held to 64 bits, which is more than a parameter can be."""
    found = dict(leaves(Params))
    assert len(found) > 90
    bare = {
        name
        for name, kind in found.items()
        if get_origin(kind) is not Annotated and {kind, *get_args(kind)} & {int, float, str}
    }
    assert bare == set()


def places(content: Any, kind: Any, place: Place = ()) -> Iterator[Place]:
    """Where a value can stand: each of the content's, and each field of a dataclass it may have."""
    yield place
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


VALUES = (
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
    | st.recursive(st.none() | st.floats() | st.text(max_size=3), st.lists, max_leaves=4)
)  # fmt: skip
PLACES = [
    (name, place) for name, content in PRESETS.items() for place in places(content, Params) if place
]


def changed(content: Any, place: Place, value: Any) -> Any:
    content = deepcopy(content)
    section = content
    for key in place[:-1]:
        if isinstance(section, dict) and section.get(key) is None:
            section[key] = {}
        section = section[key]
    section[place[-1]] = value
    return content


@pytest.fixture(scope="module", autouse=True)
def quick_searches() -> Iterator[None]:
    """An estimate plays searches for seconds; how many there are and of what it works out here.

    What stands in for the cached function keeps nothing that later tests would be told.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(expected, "_trainings", lambda *_: 1.0)
        yield


@pytest.mark.filterwarnings("error")
@settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "400")), deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_every_change_of_a_preset_is_read_or_refused_in_a_sentence(
    where: tuple[str, Place], value: Any
) -> None:
    name, place = where
    content = changed(PRESETS[name], place, value)
    try:
        params = as_params(content, Path("params.yaml"))
        graph_text(params), searches(params)
        dict(settings_files(params, completed(content)))
        describe(estimate(params, prepared=False), 4e14)
        event("read")
    except UserError as error:
        event("refused in a sentence")
        assert "\n" not in str(error)
