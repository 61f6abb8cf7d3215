"""Meanings and their wordings: an event that went well or badly, said in many ways."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.text.synthetic.lexicon import ADJECTIVES, EVENTS, MANNERS, NAMES


@dataclass(frozen=True)
class Fact:
    """Somebody (``agent``) did a kind of thing (``event``), badly or well (``mood`` 0 or 1)."""

    agent: int
    event: int
    mood: int


def draw_fact(generator: np.random.Generator) -> Fact:
    """A fact, each of its parts uniform."""
    return Fact(
        agent=int(generator.integers(len(NAMES))),
        event=int(generator.integers(len(EVENTS))),
        mood=int(generator.integers(2)),
    )


def with_other_event(fact: Fact, generator: np.random.Generator) -> Fact:
    """The same person at something else, which may have gone either way."""
    shift = 1 + int(generator.integers(len(EVENTS) - 1))
    return replace(fact, event=(fact.event + shift) % len(EVENTS), mood=int(generator.integers(2)))


def with_other_mood(fact: Fact) -> Fact:
    """The same event, but it went the other way."""
    return replace(fact, mood=1 - fact.mood)


def pick(choices: tuple[str, ...], generator: np.random.Generator) -> str:
    """One of the words, uniformly."""
    return choices[int(generator.integers(len(choices)))]


def statement(fact: Fact, generator: np.random.Generator) -> str:
    """The fact as a sentence without its full stop, in one of its wordings."""
    event, name = EVENTS[fact.event], NAMES[fact.agent]
    deed, manner = pick(event.deeds, generator), pick(MANNERS[fact.mood], generator)
    thing = f"{pick(ADJECTIVES[fact.mood], generator)} {pick(event.things, generator)}"
    forms = (
        f"{name} {manner} {deed} {thing}",
        f"{name} {deed} {thing} {manner}",
        f"{manner} {name} {deed} {thing}",
    )
    return pick(forms, generator)


def question(fact: Fact, generator: np.random.Generator) -> str:
    """A question about the event, without its mark; it does not say how the event went."""
    event, name = EVENTS[fact.event], NAMES[fact.agent]
    deed, thing = pick(event.deeds, generator), pick(event.things, generator)
    place = pick(event.places, generator)
    forms = (
        f"who {deed} {thing} in the {place}",
        f"was it {name} that {deed} {thing}",
        f"which {thing} were {deed} in the {place}",
    )
    return pick(forms, generator)
