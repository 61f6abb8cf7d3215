"""What a value may be, said in its type: `pipeline.common.config.parse` holds every field to it.

``rate: Positive`` is a float for the type checker, and for the parser one that is finite, above 0
and of a size that a machine can hold. A field that is just ``int``, ``float`` or ``str`` is held to
what every file and every array can take; so none escapes, however it is written.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin, get_type_hints

# No size, count or rate of a study is larger. Above it torch and numpy would try to allocate.
CEILING = 2**31 - 1
_LONGEST = 80
_NOT_IN_FILES = re.compile("[\0\ud800-\udfff]")


class Rule(Protocol):
    """A demand on a value of the right type."""

    def wanted(self, value: Any) -> str | None:
        """What the value must be, in words that follow "must be"; None where it is that."""


@dataclass(frozen=True)
class Range:
    """A finite number between bounds, of which any may be left out; NaN lies in no range.

    Attributes:
        least: the smallest value; ``above`` is a bound that is no value itself.
        most: the largest value; ``below`` is a bound that is no value itself.
        said: the bounds in words, where there are better ones than the numbers.
        ceiling: what no value's magnitude exceeds, mentioned only to who exceeds it.
    """

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    said: str = ""
    ceiling: float = CEILING

    def wanted(self, value: Any) -> str | None:
        """What the number must be; None where it is that."""
        # Asked this way round because every comparison with NaN is false.
        if not all(holds for _, holds in self._bounds(value)):
            return self.said or " and ".join(words for words, _ in self._bounds(value))
        if isinstance(value, float) and not math.isfinite(value):
            return "a finite number"
        if abs(value) > self.ceiling:
            return f"at most {self.ceiling}" if value > 0 else f"at least {-self.ceiling}"
        return None

    def _bounds(self, value: Any) -> list[tuple[str, bool]]:
        """Each bound in words, and whether the value keeps it."""
        least, above, most, below = self.least, self.above, self.most, self.below
        return [
            *([(f"at least {least}", value >= least)] if least is not None else []),
            *([(f"above {above}", value > above)] if above is not None else []),
            *([(f"at most {most}", value <= most)] if most is not None else []),
            *([(f"below {below}", value < below)] if below is not None else []),
        ]


@dataclass(frozen=True)
class Text:
    """Text that files and paths can hold; with ``filled`` at least one character that shows."""

    filled: bool = False

    def wanted(self, value: Any) -> str | None:
        """What the text must be; None where it is that."""
        if _NOT_IN_FILES.search(value):
            return "text without NUL characters and halves of surrogate pairs"
        return "text, not empty" if self.filled and not value.strip() else None


@dataclass(frozen=True)
class Distinct:
    """A list that has nothing twice."""

    def wanted(self, value: Any) -> str | None:
        """What the list must be; None where it is that."""
        return "all different" if len(set(value)) < len(value) else None


Count = Annotated[int, Range(least=1)]
# Of a model, a row or a run: far above any that can be had, far below what does not fit a machine.
Size = Annotated[int, Range(least=1, ceiling=1_000_000)]
Seed = Annotated[int, Range(ceiling=2**63 - 1)]
Index = Annotated[int, Range(least=0)]
Positive = Annotated[float, Range(above=0)]
# Too large a rate makes a training diverge, which is a result; more than this no float32 holds.
Rate = Annotated[float, Range(above=0, ceiling=1e38)]
NotNegative = Annotated[float, Range(least=0)]
# A share that cannot be all, and one that cannot be none.
Share = Annotated[float, Range(least=0, below=1)]
Fraction = Annotated[float, Range(above=0, most=1)]
Name = Annotated[str, Text(filled=True)]
AnyText = Annotated[str, Text()]

# What a bare type is held to: 64 bits, the numbers that JSON has, the text that UTF-8 has.
_BARE: dict[Any, Rule] = {
    int: Range(ceiling=2**63 - 1),
    float: Range(ceiling=sys.float_info.max),
    str: Text(),
}


@dataclass(frozen=True)
class Ruled:
    """A type taken apart: its kind without rules and null, the rules, whether it may be null."""

    kind: Any
    rules: tuple[Rule, ...]
    optional: bool

    def wanted(self, value: Any) -> str | None:
        """What a value that is not None must be, by the first rule that refuses it."""
        found = next((words for rule in self.rules if (words := rule.wanted(value))), None)
        return f"{found}, or null" if found and self.optional else found


def ruled(kind: Any) -> Ruled:
    """Take a type apart."""
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    others = [member for member in members if member is not NoneType]
    optional = len(others) < len(members)
    if len(others) > 1:
        return Ruled(Union[tuple(others)], (), optional)  # noqa: UP007
    if get_origin(others[0]) is not Annotated:
        own = (_BARE[others[0]],) if others[0] in _BARE else ()
        return Ruled(others[0], own, optional)
    inner, *rules = get_args(others[0])
    return Ruled(inner, tuple(rules), optional)


def check_fields(made: Any) -> None:
    """Hold the fields of a dataclass to their types' rules, for who builds one without the parser.

    Raises:
        ValueError: one sentence on the first that does not keep them.
    """
    whole: Any = type(made)
    for name, kind in field_types(whole).items():
        value, own = getattr(made, name), ruled(kind)
        if value is not None and (wanted := own.wanted(value)):
            raise ValueError(f"{name} is {shown(value)}, but must be {wanted}")
        if get_origin(own.kind) is tuple and value is not None:
            _check_each(name, value, get_args(own.kind)[0])


def _check_each(name: str, values: tuple[Any, ...], kind: Any) -> None:
    own = ruled(kind)
    for value in values:
        if wanted := own.wanted(value):
            raise ValueError(f"{name} has {shown(value)}, but each must be {wanted}")


@cache
def field_types(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, their rules included."""
    return get_type_hints(kind, include_extras=True)


def shown(value: Any) -> str:
    """A value as a sentence can hold it: on one line, and cut where it is long."""
    if value is None:
        return "nothing"
    try:
        text = repr(list(value) if isinstance(value, tuple) else value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
