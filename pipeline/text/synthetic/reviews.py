"""Reviews: sentences that share one mood, said outright or by negating its opposite."""

from __future__ import annotations

import numpy as np

from pipeline.text.synthetic.lexicon import (
    ADJECTIVES,
    ASPECTS,
    BOOSTERS,
    FEELINGS,
    NEGATIONS,
    REVIEWED,
)
from pipeline.text.synthetic.statements import pick

_NEGATED, _AGAINST = 0.1, 0.06


def opinion(mood: int, generator: np.random.Generator) -> str:
    """One sentence of the given mood (0 bad, 1 good), without its full stop."""
    subject, feeling = pick(REVIEWED + ASPECTS, generator), pick(FEELINGS[mood], generator)
    adjective, other = pick(ADJECTIVES[mood], generator), pick(ADJECTIVES[mood], generator)
    if generator.random() < _NEGATED:
        opposite = pick(ADJECTIVES[1 - mood], generator)
        return f"the {subject} was {pick(NEGATIONS, generator)} {opposite}"
    forms = (
        f"i {feeling} the {adjective} {subject}",
        f"the {subject} was {adjective} and {other}",
        f"the {subject} was {pick(BOOSTERS, generator)} {adjective}",
    )
    return pick(forms, generator)


def review(mood: int, length: int, generator: np.random.Generator) -> list[str]:
    """A review's sentences; a minority may disagree, never half of them."""
    against = 0
    sentences = []
    for _ in range(length):
        turns = generator.random() < _AGAINST and 2 * (against + 1) < length
        against += turns
        sentences.append(opinion(1 - mood if turns else mood, generator))
    return sentences
