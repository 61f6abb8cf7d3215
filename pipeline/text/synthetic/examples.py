"""The eight tasks of the embedded world: method §4's six kinds, ``similarity``, ``acceptability``.

A label of ``similarity`` is a number as text: 5/3 of the number of parts that two facts share, to
one decimal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal
from zlib import crc32

import numpy as np

from pipeline.common.seeds import numpy_generator
from pipeline.errors import UserError
from pipeline.text.synthetic.reviews import opinion, review
from pipeline.text.synthetic.statements import (
    PARTS,
    Fact,
    draw_fact,
    faulty_statement,
    question,
    statement,
    with_other_event,
    with_other_mood,
    with_other_parts,
)

Kind = Literal[
    "paraphrase",
    "duplicate",
    "polarity_short",
    "polarity_long",
    "inference",
    "adversarial",
    "similarity",
    "acceptability",
]
Example = dict[str, str | None]
Maker = Callable[[str, np.random.Generator], Example]

_HELD_OUT_ONE_IN = 8


def examples(kind: str, split: str, count: int, seed: int) -> Iterator[Example]:
    """Yield ``count`` examples with ``text_a``, ``text_b`` (None for single texts) and ``label``.

    Labels take turns, so they are balanced, but for ``acceptability``, where two of three rows are
    acceptable. Rows of ``eval`` never repeat a row of ``train``: a text or pair of texts belongs to
    one of the two by its hash.
    """
    turns = _TURNS.get(kind, label_names(kind))
    generator = numpy_generator(seed, "world", kind, split)
    made = 0
    while made < count:
        example = _MAKERS[kind](turns[made % len(turns)], generator)
        if _belongs(example, split):
            yield example
            made += 1


def label_names(kind: str) -> tuple[str, ...]:
    """The label names of a kind of task, in the order of their ids; ``similarity``'s numbers rise.

    Raises:
        UserError: there is no such kind.
    """
    if kind not in _LABELS:
        raise UserError(f"the embedded world has no task {kind!r}: say one of {', '.join(KINDS)}")
    return _LABELS[kind]


def _belongs(example: Example, split: str) -> bool:
    text = f"{example['text_a']}\n{example['text_b']}"
    return (crc32(text.encode()) % _HELD_OUT_ONE_IN == 0) == (split == "eval")


def _related(fact: Fact, label: str, generator: np.random.Generator) -> Fact:
    """The fact that stands in the labelled relation to the first."""
    if label in ("equivalent", "duplicate", "entailment"):
        return fact
    if label == "contradiction" or (label == "not_equivalent" and generator.random() < 0.5):
        return with_other_mood(fact)
    return with_other_event(fact, generator)


def _statements(label: str, generator: np.random.Generator) -> Example:
    fact = draw_fact(generator)
    return _two_statements(fact, _related(fact, label, generator), label, generator)


def _two_statements(fact: Fact, other: Fact, label: str, generator: np.random.Generator) -> Example:
    return {
        "text_a": f"{statement(fact, generator)} .",
        "text_b": f"{statement(other, generator)} .",
        "label": label,
    }


def _questions(label: str, generator: np.random.Generator) -> Example:
    fact = draw_fact(generator)
    other = _related(fact, label, generator)
    return {
        "text_a": f"{question(fact, generator)} ?",
        "text_b": f"{question(other, generator)} ?",
        "label": label,
    }


def _polarity_short(label: str, generator: np.random.Generator) -> Example:
    text = opinion(int(label == "positive"), generator)
    return {"text_a": f"{text} .", "text_b": None, "label": label}


def _polarity_long(label: str, generator: np.random.Generator) -> Example:
    sentences = review(int(label == "positive"), 3 + int(generator.integers(3)), generator)
    return {"text_a": f"{' . '.join(sentences)} .", "text_b": None, "label": label}


def _adversarial(label: str, generator: np.random.Generator) -> Example:
    """Inference in three rounds: round n has n − 1 sentences about other events in the premise."""
    number = 1 + int(generator.integers(3))
    fact = draw_fact(generator)
    other = _related(fact, label, generator)
    events = {fact.event, other.event}
    premise = [statement(fact, generator)]
    while len(premise) < number:
        distractor = draw_fact(generator)
        if distractor.event not in events:
            premise.append(statement(distractor, generator))
    order = generator.permutation(number)
    return {
        "text_a": f"{' . '.join(premise[index] for index in order)} .",
        "text_b": f"{statement(other, generator)} .",
        "label": label,
        "round": f"R{number}",
    }


def _similarity(label: str, generator: np.random.Generator) -> Example:
    fact = draw_fact(generator)
    differing = len(PARTS) - _SIMILARITIES.index(label)
    other = with_other_parts(fact, differing, generator)
    return _two_statements(fact, other, label, generator)


def _acceptability(label: str, generator: np.random.Generator) -> Example:
    wording = statement if label == "acceptable" else faulty_statement
    text = wording(draw_fact(generator), generator)
    return {"text_a": f"{text} .", "text_b": None, "label": label}


_MAKERS: Mapping[str, Maker] = {
    "paraphrase": _statements,
    "duplicate": _questions,
    "polarity_short": _polarity_short,
    "polarity_long": _polarity_long,
    "inference": _statements,
    "adversarial": _adversarial,
    "similarity": _similarity,
    "acceptability": _acceptability,
}
_INFERENCE = ("entailment", "neutral", "contradiction")
_SIMILARITIES = tuple(f"{5 * shared / len(PARTS):.1f}" for shared in range(len(PARTS) + 1))
_LABELS: Mapping[str, tuple[str, ...]] = {
    "paraphrase": ("not_equivalent", "equivalent"),
    "duplicate": ("not_duplicate", "duplicate"),
    "polarity_short": ("negative", "positive"),
    "polarity_long": ("negative", "positive"),
    "inference": _INFERENCE,
    "adversarial": _INFERENCE,
    "similarity": _SIMILARITIES,
    "acceptability": ("unacceptable", "acceptable"),
}
# Kinds whose labels are not equally frequent: about as in CoLA, two of three rows are acceptable.
_TURNS: Mapping[str, tuple[str, ...]] = {
    "acceptability": ("acceptable", "unacceptable", "acceptable"),
}
KINDS = tuple(_LABELS)
