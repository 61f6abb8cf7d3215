from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from pipeline.common.config import parse
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError


@dataclass(frozen=True)
class Inner:
    rate: float = 1.0
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate is {self.rate}, but must be at least 0")


@dataclass(frozen=True)
class Outer:
    number: int
    parts: dict[str, Inner]
    names: tuple[str, ...] = ()
    pair: tuple[float, float] = (0.0, 1.0)
    choice: int | None = None
    flag: bool = False


def test_good_values_are_built() -> None:
    made = parse(Outer, {"number": 1, "parts": {"x": {"rate": 2}}, "names": ["n"]}, "p")
    assert made == Outer(1, {"x": Inner(2.0)}, ("n",))
    assert isinstance(made.parts["x"].rate, float)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"numbr": 1}, "p has the unknown key 'numbr': did you mean 'number'?"),
        ({"parts": {"x": {"kid": 1}}}, "p.parts.x has the unknown key 'kid': did you mean 'kind'?"),
        ({"zzzzzzzz": 1}, "valid keys are choice, flag, names, number, pair, parts"),
        ({"number": "1"}, "p.number must be a whole number, not '1'"),
        ({"number": True}, "p.number must be a whole number, not True"),
        ({"number": 1.5}, "p.number must be a whole number, not 1.5"),
        ({"flag": 1}, "p.flag must be true or false, not 1"),
        ({"choice": "x"}, "p.choice must be a whole number, not 'x'"),
        ({"names": "abc"}, "p.names must be a list, not 'abc'"),
        ({"names": ["a", 1]}, "p.names[1] must be text, not 1"),
        ({"parts": 3}, "p.parts must be a mapping"),
        ({"parts": {"x": 3}}, "p.parts.x must be a mapping"),
        ({"parts": {"x": {"kind": "c"}}}, "p.parts.x.kind is 'c', but must be one of ['a', 'b']"),
        ({"parts": {"x": {"rate": -1}}}, "p.parts.x: rate is -1.0, but must be at least 0"),
    ],
)
def test_each_mistake_is_one_sentence_with_its_place(change: dict, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Outer, {"number": 1, "parts": {}, **change}, "p")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(UserError, match="p lacks the key 'number'"):
        parse(Outer, {"parts": {}}, "p")


@dataclass(frozen=True)
class Slow:
    weight: float
    name: Literal["slow"] = "slow"


@dataclass(frozen=True)
class Quick:
    pull: bool = False
    name: Literal["quick"] = "quick"


@dataclass(frozen=True)
class Chosen:
    way: Slow | Quick = Slow(0.5)


def test_a_section_is_of_the_kind_that_it_names() -> None:
    assert parse(Chosen, {"way": {"name": "quick", "pull": True}}, "p").way == Quick(True)
    assert parse(Chosen, {"way": {"name": "slow", "weight": 2}}, "p").way == Slow(2.0)
    assert parse(Chosen, {}, "p").way == Slow(0.5)


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("slow", "p.way must be a mapping of keys to values, not 'slow'"),
        ({"pull": True}, "p.way lacks the key 'name', one of quick, slow"),
        (
            {"name": "slov"},
            "p.way.name is 'slov', but must be one of ['quick', 'slow']: did you mean 'slow'?",
        ),
        ({"name": 3}, "p.way.name is 3, but must be one of ['quick', 'slow']"),
        ({"name": "quick", "pul": 1}, "p.way has the unknown key 'pul': did you mean 'pull'?"),
        ({"name": "slow"}, "p.way lacks the key 'weight'"),
        ({"name": "slow", "weight": "x"}, "p.way.weight must be a number, not 'x'"),
    ],
)
def test_a_mistake_in_a_named_section_is_one_sentence(way: object, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Chosen, {"way": way}, "p")
    assert str(caught.value) == sentence


def test_yaml_reads_numbers_as_dvc_does(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("rate: 1e-5\n")
    assert read_yaml(path) == {"rate": 1e-5}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a: [", "not valid YAML"), (b"a: \xff", "not UTF-8"), (b"- 1", "a mapping of sections")],
)
def test_unreadable_yaml_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_yaml(path)
    with pytest.raises(UserError, match="copy one of presets"):
        read_yaml(tmp_path / "absent.yaml")


def bomb(line: str) -> str:
    """Thirty lines of which each holds the one before it twice."""
    return "a0: &a0 {k: [1, 2]}\n" + "".join(
        f"a{index}: &a{index} {line.format(index - 1)}\n" for index in range(1, 31)
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bomb("[*a{0}, *a{0}]"), r"aliases \(\*name\) stand for more than 1000000 values"),
        (bomb("{{<<: [*a{0}, *a{0}]}}"), "stand for more than 1000000 values"),
        ("a: &a [*a]", "stand for more than 1000000 values"),
        ("a: &a {b: *a}", "stand for more than 1000000 values"),
        ("a: " + "[" * 5000, "nests brackets or lines too deep"),
        ("a: " + "1" * 5000, "is not valid YAML"),
        ("a: 2001-99-99", "is not valid YAML: month must be"),
        ("a: !!int x", "is not valid YAML"),
        ("", "must hold a mapping"),
    ],
)
def test_yaml_that_multiplies_or_cannot_be_is_one_sentence(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(UserError, match=sentence):
        read_yaml(path)


def test_aliases_stand_for_what_they_name(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: [*a, *a]\n")
    assert read_yaml(path) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": [{"x": 1}, {"x": 1}]}
