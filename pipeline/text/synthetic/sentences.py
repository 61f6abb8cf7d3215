"""Sentences about a scene: told, asked, or told wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from pipeline.text.synthetic.scenes import SCENES, Scene

T = TypeVar("T")
_PREPOSITIONS = ("near", "with", "behind", "before")
_OPENINGS = ("where", "why", "when")


@dataclass(frozen=True)
class Voice:
    """Who tells of ``scene``: a ``stray`` share of the words is of any scene, equally likely.

    A voice of documents has favourite words, as language does (``frequent``); that of examples
    knows all words alike, so that it says what documents hardly ever do.
    """

    scene: Scene
    stray: float
    generator: np.random.Generator
    frequent: bool = False

    def noun(self) -> str:
        """A noun."""
        return self._word("nouns")

    def verb(self) -> str:
        """A verb in the past tense."""
        return self._word("verbs")

    def adjective(self) -> str:
        """An adjective."""
        return self._word("adjectives")

    def chance(self, share: float) -> bool:
        """Whether something happens that does so in ``share`` of the cases."""
        return bool(self.generator.random() < share)

    def _word(self, part: str) -> str:
        scene = pick(SCENES, self.generator) if self.chance(self.stray) else self.scene
        words: tuple[str, ...] = getattr(scene, part)
        if not self.frequent:
            return pick(words, self.generator)
        place = np.searchsorted(_zipf(len(words)), self.generator.random())
        return words[min(int(place), len(words) - 1)]


@lru_cache
def _zipf(count: int) -> np.ndarray:
    """Cumulative shares of words by Zipf's law: the first ones are soon known, others by them."""
    shares = 1 / np.arange(1, count + 1)
    return np.asarray(np.cumsum(shares / shares.sum()))


def pick(choices: Sequence[T], generator: np.random.Generator) -> T:
    """One of them, uniformly."""
    return choices[int(generator.integers(len(choices)))]


def statement(voice: Voice) -> str:
    """A sentence without its full stop, of two to seven words of the scene, in telegram style.

    It has no articles and no fixed places: a small model that finds much of a sentence in its form
    learns that alone, and rests there.
    """
    words = [_noun_phrase(voice), voice.verb()]
    while len(words) < 4 and voice.chance(0.5):
        words.append(f"{pick(_PREPOSITIONS, voice.generator)} {_noun_phrase(voice)}")
    if len(words) > 2 and voice.chance(0.3):
        words = [*words[2:], *words[:2]]
    return " ".join(words)


def _noun_phrase(voice: Voice) -> str:
    adjective = f"{voice.adjective()} " if voice.chance(0.5) else ""
    return f"{adjective}{voice.noun()}"


def question(voice: Voice) -> str:
    """A question without its mark, of two or three words of the scene."""
    if voice.chance(0.5):
        opening = pick(_OPENINGS, voice.generator)
        return f"{opening} was {_noun_phrase(voice)} so {voice.adjective()}"
    return f"who {voice.verb()} {_noun_phrase(voice)}"


def faulty_statement(voice: Voice) -> str:
    """A statement with a fault that `statement` never makes: an adjective before no noun."""
    adjective, noun, verb = voice.adjective(), voice.noun(), voice.verb()
    preposition = pick(_PREPOSITIONS, voice.generator)
    faults = (
        f"{noun} {adjective} {verb}",
        f"{adjective} {verb} {noun}",
        f"{noun} {verb} {adjective} {preposition} {voice.noun()}",
    )
    return pick(faults, voice.generator)
