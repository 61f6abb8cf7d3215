from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.docstrings import meanings, summary


@dataclass(frozen=True)
class Parent:
    """What a parent says.

    Attributes:
        old: of the parent.
    """

    old: int


@dataclass(frozen=True)
class Child(Parent):
    """A ``child`` in one line. ``told`` is a sentence. So is another.

    Attributes:
        own: an entry
            of two lines. Then ``other`` is in it.
        piped: a | b.
    """

    own: int
    other: int
    piped: int
    told: int
    silent: int


def test_a_field_has_its_entry_or_what_mentions_it() -> None:
    assert meanings(Child) == {
        "old": "of the parent.",
        "own": "an entry of two lines. Then `other` is in it.",
        "other": "with `own`: Then `other` is in it.",
        "piped": r"a \| b.",
        "told": "`told` is a sentence.",
        "silent": "",
    }
    assert summary(Child) == "A `child` in one line. `told` is a sentence. So is another."
