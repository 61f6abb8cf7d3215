"""Meanings and their wordings: an event that went well or badly, said in many ways or wrongly."""

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


# How many values each part of a fact takes.
PARTS = {"agent": len(NAMES), "event": len(EVENTS), "mood": len(MANNERS)}


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


def with_other_parts(fact: Fact, count: int, generator: np.random.Generator) -> Fact:
    """A fact that differs from the first in exactly ``count`` of its three parts, any of them."""
    names = tuple(PARTS)
    changed = [names[index] for index in generator.permutation(len(names))[:count]]
    return replace(fact, **{name: _other(fact, name, generator) for name in changed})


def _other(fact: Fact, part: str, generator: np.random.Generator) -> int:
    shift = int(generator.integers(1, PARTS[part]))
    return (int(getattr(fact, part)) + shift) % PARTS[part]


def pick(choices: tuple[str, ...], generator: np.random.Generator) -> str:
    """One of the words, uniformly."""
    return choices[int(generator.integers(len(choices)))]


def statement(fact: Fact, generator: np.random.Generator) -> str:
    """The fact as a sentence without its full stop, in one of its wordings."""
    words = _draw_words(fact, generator)
    return _arrange(words, f"{words.deed} {words.adjective} {words.thing}", generator)


def faulty_statement(fact: Fact, generator: np.random.Generator) -> str:
    """A statement of the fact with one fault, a sentence that ``statement`` never makes.

    No word has two roles, and in every right statement the deed, the adjective and the thing stand
    together in this order, which none of the faults keeps.
    """
    words = _draw_words(fact, generator)
    faults = (
        f"{words.deed} {words.thing} {words.adjective}",
        f"{words.adjective} {words.deed} {words.thing}",
        f"{words.adjective} {words.thing}",
    )
    return _arrange(words, pick(faults, generator), generator)


@dataclass(frozen=True)
class _Words:
    """The words of one statement, by their roles."""

    name: str
    deed: str
    manner: str
    adjective: str
    thing: str


def _draw_words(fact: Fact, generator: np.random.Generator) -> _Words:
    event = EVENTS[fact.event]
    return _Words(
        name=NAMES[fact.agent],
        deed=pick(event.deeds, generator),
        manner=pick(MANNERS[fact.mood], generator),
        adjective=pick(ADJECTIVES[fact.mood], generator),
        thing=pick(event.things, generator),
    )


def _arrange(words: _Words, predicate: str, generator: np.random.Generator) -> str:
    """The predicate with its subject, and with the manner in one of its three places."""
    forms = (
        f"{words.name} {words.manner} {predicate}",
        f"{words.name} {predicate} {words.manner}",
        f"{words.manner} {words.name} {predicate}",
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
