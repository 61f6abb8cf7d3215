"""Any value in any place of a preset: it is read, or refused with one sentence.

What is read goes through all that comes before the first stage: the graph, the settings' files, and
the estimate of costs. ``FUZZ_EXAMPLES=8000 pytest tests/study/test_mutations.py`` looks at more than
usual; ``python -m benchmarks.attack params`` does that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from benchmarks.attack.mutations import Place, changed, places, values
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


CHANGES = st.one_of(
    st.tuples(st.just(name), st.just(place), values(kind))
    for name, content in PRESETS.items()
    for place, kind in places(content, Params)
    if place
)


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
@given(CHANGES)
def test_every_change_of_a_preset_is_read_or_refused_in_a_sentence(
    change: tuple[str, Place, Any],
) -> None:
    name, place, value = change
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
