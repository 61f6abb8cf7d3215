"""The words of the embedded world: kinds of event, each with words of its own, and two moods."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """A kind of event: the words of a role say the same thing in this world."""

    deeds: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]


# Few kinds: whether two sentences tell of the same one is what a small model learns last.
EVENTS = (
    Event(
        ("baked", "kneaded", "roasted"),
        ("loaves", "cakes", "pies"),
        ("kitchen", "oven", "bakery"),
    ),
    Event(
        ("sailed", "rowed", "steered"),
        ("boats", "ships", "rafts"),
        ("harbour", "river", "lake"),
    ),
    Event(
        ("played", "tuned", "composed"),
        ("songs", "pianos", "flutes"),
        ("concert", "theatre", "studio"),
    ),
)

NAMES = ("Anna", "Boris", "Clara", "David", "Emma", "Felix", "Greta", "Henry")

# How a deed went: index 0 badly, index 1 well.
MANNERS = (
    ("badly", "poorly", "sadly", "clumsily"),
    ("nicely", "happily", "skilfully", "gladly"),
)

REVIEWED = ("film", "book", "opera", "meal", "hotel", "game")
ASPECTS = ("start", "ending", "style", "plot", "staff", "price")
ADJECTIVES = (
    ("awful", "dull", "cold", "stale"),
    ("great", "lovely", "warm", "fresh"),
)
FEELINGS = (
    ("hated", "disliked", "regretted", "resented"),
    ("loved", "enjoyed", "admired", "praised"),
)
NEGATIONS = ("not", "never", "hardly")
BOOSTERS = ("very", "really", "quite", "truly")
