"""When a probe may end before its last epoch: pure rules over the evaluation curve so far.

A curve is the list of evaluation accuracies after each epoch, the latest last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.dimension.status import reaches

# Says from the accuracies after each epoch so far whether training may end here.
Stop = Callable[[Sequence[float]], bool]

# Futility (`hopeless`): the share of the epochs before which nothing is judged, and the allowance
# for noise in standard errors of the evaluation. benchmarks/search_protocols.py measures how often
# they stop a training that would have reached.
_PATIENCE = 0.3
_ALLOWANCE = 0.75
# Two epochs at the target are proof; so is one that is this many standard errors above it.
_PROOFS = 2
_CLEAR = 1.0


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


@dataclass(frozen=True)
class StopRule:
    """The efficient protocol's rule: end where the target is reached, or out of reach.

    ``error`` is the standard error of an accuracy near the target, ``epochs`` what a whole training
    has. With ``confirm``, one epoch just above the target is no proof yet: a maximum over epochs is
    often luck.
    """

    target: float
    error: float
    epochs: int
    at_target: bool = True
    confirm: bool = True
    futility: bool = True

    def __call__(self, curve: Sequence[float]) -> bool:
        """Whether training may end here."""
        if self.at_target and reaches(max(curve), self.target):
            return not self.confirm or proven(curve, self.target, self.error)
        return self.futility and hopeless(curve, self.target, self.error, self.epochs)


def proven(curve: Sequence[float], target: float, error: float) -> bool:
    """Whether a curve reached the target clearly or more than once, not by one lucky epoch."""
    if reaches(max(curve), target + _CLEAR * error):
        return True
    return sum(reaches(accuracy, target) for accuracy in curve) >= _PROOFS


def hopeless(curve: Sequence[float], target: float, error: float, epochs: int) -> bool:
    """Whether a curve cannot be expected to reach the target in the epochs that are left.

    Curves of a decaying learning rate flatten: over the epochs that are left the best accuracy is
    taken to gain no more an epoch than over the later half of those done, plus an allowance for
    noise.
    """
    done = len(curve)
    if done < max(2, math.ceil(_PATIENCE * epochs)) or reaches(max(curve), target):
        return False
    half = done // 2
    pace = max(0.0, max(curve) - max(curve[:half])) / (done - half)
    return max(curve) + pace * (epochs - done) + _ALLOWANCE * error < target
