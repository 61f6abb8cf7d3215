"""Documents for pretraining: stories held together by connectives, questions, and reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pipeline.common.seeds import numpy_generator
from pipeline.text.synthetic.reviews import review
from pipeline.text.synthetic.statements import (
    draw_fact,
    pick,
    question,
    statement,
    with_other_event,
    with_other_mood,
)

_LIKEWISE = ("likewise", "indeed", "again")
_HOWEVER = ("however", "instead", "whereas")
_MEANWHILE = ("meanwhile", "elsewhere", "later")
# No connective is rare, so that guessing one takes reading both sentences; still, going on as
# before comes first, so that words tell something about each other across sentences.
_TURN_MOOD, _TURN_EVENT = 0.3, 0.3
_VERDICTS = (("avoid", "failure", "waste"), ("recommended", "success", "treat"))


def documents(seed: int, count: int) -> Iterator[list[str]]:
    """Yield ``count`` documents, each a list of sentences."""
    generator = numpy_generator(seed, "world", "documents")
    for _ in range(count):
        kind = _KINDS[int(generator.integers(len(_KINDS)))]
        yield kind(generator)


def _story(generator: np.random.Generator) -> list[str]:
    """Each sentence goes on with the last one's event and mood unless its connective says not."""
    fact = draw_fact(generator)
    sentences = [f"{statement(fact, generator)} ."]
    for _ in range(1 + int(generator.integers(3))):
        turn = generator.random()
        if turn < _TURN_MOOD:
            fact, connectives = with_other_mood(fact), _HOWEVER
        elif turn < _TURN_MOOD + _TURN_EVENT:
            fact, connectives = with_other_event(fact, generator), _MEANWHILE
        else:
            connectives = _LIKEWISE
        connective = pick(connectives, generator)
        sentences.append(f"{connective} {statement(fact, generator)} .")
    return sentences


def _questions(generator: np.random.Generator) -> list[str]:
    """Two questions about one event, or about two."""
    fact = draw_fact(generator)
    same = generator.random() < 0.5
    other = fact if same else with_other_event(fact, generator)
    connective = pick(_LIKEWISE if same else _MEANWHILE, generator)
    return [f"{question(fact, generator)} ?", f"{connective} {question(other, generator)} ?"]


def _review(generator: np.random.Generator) -> list[str]:
    mood = int(generator.integers(2))
    body = [f"{text} ." for text in review(mood, 2 + int(generator.integers(4)), generator)]
    return [*body, f"overall {pick(_VERDICTS[mood], generator)} ."]


_KINDS: tuple[Callable[[np.random.Generator], list[str]], ...] = (
    _story,
    _story,
    _questions,
    _review,
)
