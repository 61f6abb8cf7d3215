"""When the seeds of a d have decided: it reaches where more than half of them do."""

from __future__ import annotations


def most(reached: int, seeds: int) -> bool:
    """Whether ``reached`` is more than half of the ``seeds``; half is not enough."""
    return 2 * reached > seeds


def decided(reached: int, tried: int, seeds: int) -> bool:
    """Whether the seeds not yet tried can no longer change what `most` will say."""
    return most(reached, seeds) or not most(reached + seeds - tried, seeds)
