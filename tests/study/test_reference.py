"""The page of all keys: complete, current, and with examples that may be copied."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, make_dataclass
from pathlib import Path

import pytest

from pipeline.common.config import parse
from pipeline.study.params import Params
from pipeline.study.reading import settings
from pipeline.study.reference import _PRESETS, Key, example, keys, reference, sections

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def every() -> list[Key]:
    return [key for path, kind in sections(Params, "") for key in keys(path, kind)]


def test_the_committed_page_is_what_the_code_says() -> None:
    """If this fails: python -m pipeline reference > docs/reference/parameters.md"""
    page = (ROOT / "docs/reference/parameters.md").read_text(encoding="utf-8")
    assert page == reference(ROOT / "presets") + "\n"


def test_every_key_has_its_line(every: list[Key]) -> None:
    lines = reference(ROOT / "presets").splitlines()
    paths = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert paths == [key.path for key in every]
    assert {"search.grid.minimum", "tasks.NAME.data.replace", "checkpoints.NAME.step",
            "corpus.sources[].files.documents", "finetune.optimizer (sgd).momentum"} <= {
        path.removeprefix("tasks.NAME.") if "finetune" in path else path for path in paths
    }  # fmt: skip
    assert {field.name for field in fields(Params)} == {p for p in paths if p.isidentifier()}


def test_every_example_is_a_value_that_the_parser_takes(every: list[Key]) -> None:
    contents = [settings(ROOT / f"presets/{name}.yaml") for name in _PRESETS]
    for key in every:
        value = example(key, contents)
        assert value is not None, f"{key.path} needs an example"
        if is_dataclass(value) or isinstance(value, tuple):
            continue  # a default, which the dataclass itself holds
        one = make_dataclass("One", [(key.field.name, key.kind)])
        parse(one, {key.field.name: value}, key.path)


def test_types_and_rules_are_in_words() -> None:
    lines = reference(ROOT / "presets").splitlines()
    found = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    assert "| whole number or null | `null` | at least 1 |" in found["tasks.NAME.data.eval_rows"]
    assert (
        "| list of numbers |" in found["search.rates"] and "each above 0" in found["search.rates"]
    )
    assert "`standard`, `none`" in found["tasks.NAME.data.train[].files.quoting"]
    assert r"<\|" in "".join(found.values())
