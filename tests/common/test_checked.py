from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from pipeline.common.checked import (
    AnyText,
    Count,
    Distinct,
    Name,
    Positive,
    Range,
    Share,
    check_fields,
)
from pipeline.common.config import parse
from pipeline.errors import UserError


@dataclass(frozen=True)
class Part:
    """Fields that say nothing of themselves beside those that do: none may escape."""

    whole: int = 1
    number: float = 1.0
    text: str = "a"
    count: Count | None = 1
    share: Share = 0.5
    pair: tuple[Share, Share] = (0.1, 0.2)
    rates: Annotated[tuple[Positive, ...], Distinct()] = (1.0,)
    name: Name | None = "a"
    words: dict[AnyText, Name] | None = None
    ready: Annotated[float, Range(least=0, said="a share of what is ready")] = 0.0


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"whole": 10**30}, f"p: whole is {10**30}, but must be at most {2**63 - 1}"),
    ({"whole": 16**5000}, "p: whole is a number of thousands of digits, but must be at most"),
    ({"number": math.nan}, "p: number is nan, but must be a finite number"),
    ({"number": 10**400}, "p: number is inf, but must be a finite number"),
    ({"number": -math.inf}, "p: number is -inf, but must be a finite number"),
    ({"text": "a\0b"}, "p: text is 'a\\x00b', but must be text without NUL"),
    ({"text": "\ud800"}, "p: text is '\\ud800', but must be text without NUL"),
    ({"text": ["x" * 999]}, "p.text must be text, not ['xxx"),
    ({"count": 0}, "p: count is 0, but must be at least 1, or null"),
    ({"count": 2**31}, f"p: count is {2**31}, but must be at most {2**31 - 1}, or null"),
    ({"share": math.nan}, "p: share is nan, but must be at least 0 and below 1"),
    ({"share": 1}, "p: share is 1.0, but must be at least 0 and below 1"),
    ({"pair": [0.1, math.nan]}, "p: pair is nan, but must be at least 0 and below 1"),
    ({"pair": [0.1]}, "p.pair must be a list of 2, not [0.1]"),
    ({"pair": "ab"}, "p.pair must be a list of 2, not 'ab'"),
    ({"rates": [1, math.inf]}, "p: rates[1] is inf, but must be a finite number"),
    ({"rates": [0]}, "p: rates[0] is 0.0, but must be above 0"),
    ({"rates": [1, 1.0]}, "p: rates is [1.0, 1.0], but must be all different"),
    ({"name": ""}, "p: name is '', but must be text, not empty, or null"),
    ({"name": " "}, "p: name is ' ', but must be text, not empty, or null"),
    ({"words": {"x": ""}}, "p.words: x is '', but must be text, not empty"),
    ({"words": {"a\0": "x"}}, "but must be text without NUL"),
    ({"words": 3}, "p.words must be a mapping of keys to values, not 3"),
    ({"ready": -1}, "p: ready is -1.0, but must be a share of what is ready"),
    ({3: 1, "x": 1}, "p has the unknown key 3: valid keys are count, name"),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSED)
def test_the_parser_holds_every_field_to_its_type(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Part, change, "p")
    assert sentence in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


def test_what_keeps_the_rules_is_built() -> None:
    made = parse(Part, {"count": None, "name": None, "words": {"": "x"}, "rates": [1, 2]}, "p")
    assert made == Part(count=None, name=None, words={"": "x"}, rates=(1.0, 2.0))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"share": math.nan}, "share is nan, but must be at least 0 and below 1"),
        ({"count": 0}, "count is 0, but must be at least 1, or null"),
        ({"pair": (0.5, 1.5)}, "pair has 1.5, but each must be at least 0 and below 1"),
        ({"rates": (1.0, 1.0)}, "rates is [1.0, 1.0], but must be all different"),
    ],
)
def test_who_builds_one_without_the_parser_can_have_the_same(
    wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError) as caught:
        check_fields(Part(**wrong))
    assert str(caught.value) == sentence
    check_fields(Part(count=None))


@pytest.mark.parametrize(
    "wrong",
    [
        ["estimate", "--flops", "nan"],
        ["estimate", "--flops", "inf"],
        ["estimate", "--precision", "nan"],
        ["chain", "--stop", "99999999999999", "--every", "1"],
    ],
)
def test_numbers_of_the_command_line_are_checked_alike(wrong: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *wrong], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and ": must be " in done.stderr


@dataclass(frozen=True)
class Other:
    """Another dataclass with a field of the same type."""

    words: dict[AnyText, Name] | None = None


def test_a_type_is_held_to_its_kind_wherever_it_is_used() -> None:
    for kind in (Part, Other, Part):
        with pytest.raises(UserError, match="words must be a mapping"):
            parse(kind, {"words": 3}, "p")
