"""When a probe may end before its last epoch: pure rules over the evaluation curve so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

# Says from the accuracies after each epoch so far whether training may end here.
Stop = Callable[[Sequence[float]], bool]


def never(curve: Sequence[float]) -> bool:
    """All epochs are trained."""
    return False


def suffices(row: Mapping[str, Any], stop: Stop) -> bool:
    """Whether a recorded probe is, epoch for epoch, what training under ``stop`` would leave.

    True when the rule ends training exactly where the record ends: not before its last epoch, and
    there unless the record is ``complete``. Such a record may be used in the place of a new run.
    """
    curve = row["curve"]
    if any(stop(curve[:length]) for length in range(1, len(curve))):
        return False
    return bool(row["complete"]) or (bool(curve) and stop(curve))
