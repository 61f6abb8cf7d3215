"""YAML aliases that multiply: a few lines may stand for more values than a machine holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

# Parameters of the largest study have thousands of values; dvc.lock of one has tens of thousands.
_MOST_VALUES = 1_000_000


def check_aliases(node: Node) -> None:
    """Check what a document's nodes come to once each alias is replaced by what it stands for.

    Raises:
        ValueError: they are too many, or one stands inside of itself.
    """
    if _size(node, {}) > _MOST_VALUES:
        raise ValueError(
            f"its aliases (*name) stand for more than {_MOST_VALUES} values: write out what they "
            "stand for, or leave some away"
        )


def _size(node: Node, known: dict[int, int]) -> int:
    """The number of scalars below a node; one that is looked at already is not walked again."""
    if isinstance(node.value, str):
        return 1
    if id(node) not in known:
        known[id(node)] = _MOST_VALUES + 1  # what it counts inside of itself
        known[id(node)] = 1 + sum(_size(below, known) for below in _children(node))
    return known[id(node)]


def _children(node: Node) -> list[Node]:
    """Items of a list; keys and values of a mapping."""
    return [
        below for item in node.value for below in (item if isinstance(item, tuple) else (item,))
    ]
