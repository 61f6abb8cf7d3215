"""Documents for pretraining: some sentences and questions, all about one scene."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.common.seeds import numpy_generator
from pipeline.text.synthetic.scenes import SCENES
from pipeline.text.synthetic.sentences import Voice, pick, question, statement

_QUESTIONS = 0.2
_SHORTEST, _LONGEST = 4, 7


def documents(seed: int, count: int, stray: float) -> Iterator[list[str]]:
    """Yield ``count`` documents, each a list of sentences.

    With ``stray`` 1 every word is of any scene: the same sentences and the same words as often,
    but which words go together is lost, and with it what pretraining could teach the tasks.
    """
    generator = numpy_generator(seed, "world", "documents")
    for _ in range(count):
        voice = Voice(pick(SCENES, generator), stray, generator, frequent=True)
        length = int(generator.integers(_SHORTEST, _LONGEST + 1))
        yield [
            f"{question(voice)} ?" if voice.chance(_QUESTIONS) else f"{statement(voice)} ."
            for _ in range(length)
        ]
