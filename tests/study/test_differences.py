from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from pipeline.common.artifacts import Json
from pipeline.common.yaml_file import read_yaml
from pipeline.study.differences import NOT_GIVEN, differences

PRESET = Path(__file__).parents[2] / "presets/laptop.yaml"


@pytest.fixture(scope="module")
def preset() -> Json:
    return read_yaml(PRESET)


def changed(content: Json, path: str, value: object) -> Json:
    made = deepcopy(content)
    *sections, key = path.split(".")
    inner = made
    for section in sections:
        inner = inner[section]
    if value is None:
        del inner[key]
    else:
        inner[key] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "values"),
    [
        ("seed", 1, ("0", "1")),
        ("search.efficient.precision", 4.0, ("2.5", "4")),
        # What is left out has its default.
        ("search.margin", None, ("3", "0")),
        ("finetune.epochs", None, ("8", NOT_GIVEN)),
        ("baseline.protocol", "paper", ("efficient", "paper")),
        ("tasks.inference", None, None),
    ],
)
def test_the_parameter_that_differs_is_named(
    preset: Json, path: str, value: object, values: tuple[str, ...] | None
) -> None:
    found = differences([preset, changed(preset, path, value)])
    if values is None:
        assert {one.name.rpartition(".data")[0] for one in found} == {path}
        assert {one.values[1] for one in found} == {NOT_GIVEN}
    else:
        assert [(one.name, one.values) for one in found] == [(path, values)]


def test_a_default_written_out_is_no_difference(preset: Json) -> None:
    assert differences([preset, changed(preset, "search.protocol", "efficient")]) == []
    spelled = changed(changed(preset, "baseline.gain", 0.002), "report", {"dpi": 200})
    assert differences([preset, spelled]) == []


def test_what_this_version_cannot_read_is_compared_as_it_is_written(preset: Json) -> None:
    old = changed(preset, "search.prior", [1, 2])
    assert [tuple(one) for one in differences([preset, old, old])] == [
        ("search.prior", (NOT_GIVEN, "[1, 2]", "[1, 2]"))
    ]
