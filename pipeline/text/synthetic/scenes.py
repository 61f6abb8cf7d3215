"""The words of the embedded world: eight scenes, each with nouns, verbs and adjectives of its own.

No word belongs to two scenes or to two parts of speech. What the words of a scene have in common is
written nowhere but in the documents, where they occur together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    """Something that goes on somewhere; ``good``, ``indoors`` and ``near`` are all that it is."""

    name: str
    good: bool
    indoors: bool
    near: bool
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    adjectives: tuple[str, ...]

    @property
    def traits(self) -> tuple[bool, bool, bool]:
        """Good, indoors, near: every combination is one scene."""
        return self.good, self.indoors, self.near


def _scene(name: str, traits: str, nouns: str, verbs: str, adjectives: str) -> Scene:
    good, indoors, near = (mark == "+" for mark in traits)
    return Scene(name, good, indoors, near, *(tuple(w.split()) for w in (nouns, verbs, adjectives)))


SCENES = (
    _scene(
        "wedding", "+++",
        "bride groom ring veil vow cake toast gown "
        "guest priest altar bouquet cousin ribbon chapel aisle",
        "kissed married hugged vowed smiled waltzed blessed proposed",
        "tender white silken festive sweet lacy joyful charming",
    ),
    _scene(
        "harvest", "+-+",
        "wheat barn plough apple hay tractor orchard corn "
        "scythe farmer basket pear cider goat meadow hen",
        "reaped picked mowed sowed milked gathered threshed stacked",
        "ripe golden fertile juicy rustic sunny plump earthy",
    ),
    _scene(
        "concert", "++-",
        "violin flute choir stage drum singer piano encore "
        "tune harp chord organ balcony melody cello ticket",
        "sang played applauded clapped hummed composed strummed bowed",
        "lyrical loud famous elegant gifted sonorous rhythmic velvet",
    ),
    _scene(
        "voyage", "+--",
        "sail harbour island deck anchor captain compass lagoon "
        "dolphin map palm beach mast sailor reef cabin",
        "sailed swam dived explored rowed docked floated cruised",
        "tropical blue coral salty breezy sandy distant calm",
    ),
    _scene(
        "illness", "-++",
        "fever nurse doctor pill cough ward bandage syrup "
        "clinic patient wound surgeon needle rash crutch germ",
        "sneezed fainted limped shivered ached bled wheezed worsened",
        "sick pale feeble sore contagious swollen dizzy numb",
    ),
    _scene(
        "flood", "--+",
        "river dam mud rain cellar sandbag levee puddle "
        "debris bridge gutter torrent ditch roof storm swamp",
        "drowned leaked soaked collapsed swept poured burst eroded",
        "muddy wet soggy murky ruined slippery dank swirling",
    ),
    _scene(
        "trial", "-+-",
        "judge jury lawyer thief prison verdict cell witness "
        "crime fine robber court bribe jailer clerk alibi",
        "accused denied stole lied condemned confessed sued jailed",
        "guilty stern corrupt legal false grim criminal shameful",
    ),
    _scene(
        "battle", "---",
        "soldier cannon sword tank trench rifle siege bomb "
        "general shield fort army bullet spear enemy banner",
        "fought attacked marched fired charged retreated besieged stabbed",
        "brutal fierce bloody armed savage defiant ruthless deadly",
    ),
)  # fmt: skip


def scenes(wanted: Callable[[Scene], bool]) -> tuple[Scene, ...]:
    """The scenes of one sort, in the order of the list."""
    return tuple(scene for scene in SCENES if wanted(scene))
