"""The eight tasks of the embedded world: method §4's six kinds, ``similarity``, ``acceptability``.

All but the last ask what scene a text is about, each in its own way. Words tell that, hundreds of
them, and a training set is too small to show every word with its label: who knows from documents
which words go together has less to learn (docs/world.md).

A label of ``similarity`` is a number as text: 5/3 of the number of traits that two scenes share, to
one decimal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal
from zlib import crc32

import numpy as np

from pipeline.common.seeds import numpy_generator
from pipeline.errors import UserError
from pipeline.text.synthetic.scenes import SCENES, Scene, scenes
from pipeline.text.synthetic.sentences import Voice, faulty_statement, pick, question, statement

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
# The share of examples that are labelled as one of another label would be, as people's are.
_MISLABELLED = 0.03
# The share of words that are of any scene: what makes one kind of task harder than another.
_STRAY = {
    "paraphrase": 0.1,
    "duplicate": 0.05,
    "polarity_short": 0.0,
    "polarity_long": 0.35,
    "inference": 0.1,
    "similarity": 0.1,
}
# Of an adversarial hypothesis, round by round.
_ROUNDS = (0.1, 0.2, 0.3)


def examples(kind: str, split: str, count: int, seed: int) -> Iterator[Example]:
    """Yield ``count`` examples with ``text_a``, ``text_b`` (None for single texts) and ``label``.

    Labels take turns, so they are balanced, but for ``acceptability``, where two of three rows are
    acceptable. Rows of ``eval`` never repeat a row of ``train``: a text or pair of texts belongs to
    one of the two by its hash.
    """
    names = label_names(kind)
    turns = _TURNS.get(kind, names)
    generator = numpy_generator(seed, "world", kind, split)
    made = 0
    while made < count:
        label = turns[made % len(turns)]
        meant = pick(names, generator) if generator.random() < _mislabelled(kind) else label
        example = {**_MAKERS[kind](meant, generator), "label": label}
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


def _mislabelled(kind: str) -> float:
    """How often a meaning is drawn anew, so that it is another label's in `_MISLABELLED`."""
    names = label_names(kind)
    return _MISLABELLED * len(names) / (len(names) - 1)


def _belongs(example: Example, split: str) -> bool:
    text = f"{example['text_a']}\n{example['text_b']}"
    return (crc32(text.encode()) % _HELD_OUT_ONE_IN == 0) == (split == "eval")


def _paraphrase(label: str, generator: np.random.Generator) -> Example:
    """Two statements about the same indoor scene, or the second about one outdoors."""
    first, second = _scenes(lambda scene: scene.indoors, label == "equivalent", generator)
    stray = _STRAY["paraphrase"]
    return _pair(_told(first, stray, generator), _told(second, stray, generator))


def _duplicate(label: str, generator: np.random.Generator) -> Example:
    """Two questions about the same scene nearby, or the second about one far away."""
    first, second = _scenes(lambda scene: scene.near, label == "duplicate", generator)
    stray = _STRAY["duplicate"]
    return _pair(_asked(first, stray, generator), _asked(second, stray, generator))


def _scenes(
    sort: Callable[[Scene], bool], same: bool, generator: np.random.Generator
) -> tuple[Scene, Scene]:
    """A scene of a sort, and the same one or one that is not of the sort."""
    first = pick(scenes(sort), generator)
    other = pick(scenes(lambda scene: not sort(scene)), generator)
    return first, first if same else other


def _inference(label: str, generator: np.random.Generator) -> Example:
    return _premise_and_conclusion(label, _STRAY["inference"], generator)


def _adversarial(label: str, generator: np.random.Generator) -> Example:
    """Inference in three rounds: in each, more of the conclusion's words are of any scene."""
    number = int(generator.integers(len(_ROUNDS)))
    pair = _premise_and_conclusion(label, _ROUNDS[number], generator)
    return {**pair, "round": f"R{number + 1}"}


def _premise_and_conclusion(label: str, stray: float, generator: np.random.Generator) -> Example:
    premise = pick(_PREMISES, generator)
    told = _told(premise, 0.0, generator)
    return _pair(told, _told(_concluded(premise, label, generator), stray, generator))


def _concluded(premise: Scene, label: str, generator: np.random.Generator) -> Scene:
    """What follows: the same scene; or its bad counterpart contradicts it; or one far away."""
    if label == "entailment":
        return premise
    if label == "contradiction":
        return _counterpart(premise)
    return pick(scenes(lambda scene: not scene.near), generator)


def _counterpart(premise: Scene) -> Scene:
    return next(scene for scene in SCENES if scene.traits == (False, premise.indoors, premise.near))


def _polarity_short(label: str, generator: np.random.Generator) -> Example:
    scene = _of_mood(label, generator)
    return {"text_a": _told(scene, _STRAY["polarity_short"], generator), "text_b": None}


def _polarity_long(label: str, generator: np.random.Generator) -> Example:
    """Three to five sentences about scenes of one mood, one after the other."""
    length = 3 + int(generator.integers(3))
    stray = _STRAY["polarity_long"]
    sentences = [_told(_of_mood(label, generator), stray, generator) for _ in range(length)]
    return {"text_a": " ".join(sentences), "text_b": None}


def _of_mood(label: str, generator: np.random.Generator) -> Scene:
    return pick(scenes(lambda scene: scene.good == (label == "positive")), generator)


def _similarity(label: str, generator: np.random.Generator) -> Example:
    first = pick(SCENES, generator)
    shared = _SIMILARITIES.index(label)
    second = pick(scenes(lambda scene: _shared(first, scene) == shared), generator)
    stray = _STRAY["similarity"]
    return _pair(_told(first, stray, generator), _told(second, stray, generator))


def _shared(first: Scene, second: Scene) -> int:
    """How many traits two scenes have in common."""
    return sum(one == other for one, other in zip(first.traits, second.traits, strict=True))


def _acceptability(label: str, generator: np.random.Generator) -> Example:
    wording = statement if label == "acceptable" else faulty_statement
    voice = Voice(pick(SCENES, generator), 0.0, generator)
    return {"text_a": f"{wording(voice)} .", "text_b": None}


def _told(scene: Scene, stray: float, generator: np.random.Generator) -> str:
    return f"{statement(Voice(scene, stray, generator))} ."


def _asked(scene: Scene, stray: float, generator: np.random.Generator) -> str:
    return f"{question(Voice(scene, stray, generator))} ?"


def _pair(first: str, second: str) -> Example:
    return {"text_a": first, "text_b": second}


_PREMISES = scenes(lambda scene: scene.good and scene.near)
_MAKERS: Mapping[str, Maker] = {
    "paraphrase": _paraphrase,
    "duplicate": _duplicate,
    "polarity_short": _polarity_short,
    "polarity_long": _polarity_long,
    "inference": _inference,
    "adversarial": _adversarial,
    "similarity": _similarity,
    "acceptability": _acceptability,
}
_INFERENCE = ("entailment", "neutral", "contradiction")
_SIMILARITIES = tuple(f"{5 * shared / 3:.1f}" for shared in range(4))
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
