"""The smallest d of other fractions of full fine-tuning, as far as finished probes tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What probes say of one target: ``d``, or the open bracket and the reason that there is none.

    ``lower`` is the largest known miss below, None where there is none; ``upper`` the smallest d
    known to reach.
    """

    d: int | None
    lower: int | None
    upper: int | None
    reason: str = ""


def read(grid: Sequence[int], known: Mapping[int, bool | None]) -> Reading:
    """The smallest d that reaches, from what is known of each probed d (None: undecided).

    There is a d only when its lower neighbour on the grid is known to miss.
    """
    reaching = [d for d in sorted(known) if known[d]]
    upper = reaching[0] if reaching else None
    missing = [d for d in known if known[d] is False and (upper is None or d < upper)]
    lower = max(missing, default=None)
    if upper is None:
        if lower == grid[-1]:
            return Reading(None, lower, None, f"d = {lower}, the largest of the grid, misses")
        return Reading(None, lower, None, "no probe went on far enough to reach it")
    place = list(grid).index(upper)
    if place == 0 or lower == grid[place - 1]:
        return Reading(upper, lower, upper)
    below = f"{lower} misses" if lower is not None else "nothing smaller is known to miss"
    return Reading(None, lower, upper, f"d = {upper} reaches and {below}: not probed between")
