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

# Futility (`hopeless`): the share of the epochs before which nothing is judged, counted from where
# a curve has left the majority class; curves that have not often rise late and steeply, so they
# have longer. And the allowance for noise in standard errors of the evaluation.
# benchmarks/search_protocols.py measures how often this stops a training that would have reached.
_PATIENCE = 0.3
_PATIENCE_AT_MAJORITY = 0.55
_ALLOWANCE = 0.5
# A rate has this share of the epochs to catch up with another one (`behind`), with a larger one the
# second.
_PATIENCE_BEHIND = 0.2
_PATIENCE_SLOWER = 0.5
# Two epochs at the target are proof; so is one this many standard errors above it.
_PROOFS = 2
_CLEAR = 0.5


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

    With ``confirm``, one epoch just above the target is no proof yet: a maximum over epochs is
    often luck.

    Attributes:
        target: the accuracy to reach.
        error: standard error of an accuracy near it.
        epochs: what a whole training has.
        idle: the accuracy up to which a curve counts as still at the majority class.
        at_target, confirm, futility: the levers of the protocol (`EfficientConfig`).
        rival: the curve of another learning rate that missed; empty for none.
        slower: the rival's learning rate is the larger one.
    """

    target: float
    error: float
    epochs: int
    idle: float = 0.0
    at_target: bool = True
    confirm: bool = True
    futility: bool = True
    rival: tuple[float, ...] = ()
    slower: bool = False

    def __call__(self, curve: Sequence[float]) -> bool:
        """Whether training may end here."""
        if self.at_target and reaches(max(curve), self.target):
            return not self.confirm or proven(curve, self.target, self.error)
        return behind(curve, self) or (self.futility and hopeless(curve, self))


def proven(curve: Sequence[float], target: float, error: float) -> bool:
    """Whether a curve reached the target clearly or more than once, not by one lucky epoch."""
    if reaches(max(curve), target + _CLEAR * error):
        return True
    return sum(reaches(accuracy, target) for accuracy in curve) >= _PROOFS


def behind(curve: Sequence[float], rule: StopRule) -> bool:
    """Whether a curve is clearly below what its rival, who missed, had at the same time.

    A rival that is still at the majority class is nobody's rival.
    """
    done = len(curve)
    patience = _PATIENCE_SLOWER if rule.slower else _PATIENCE_BEHIND
    if not rule.rival or done < max(2, math.ceil(patience * rule.epochs)):
        return False
    ahead = max(rule.rival[:done])
    return ahead > rule.idle and max(curve) + rule.error < ahead


def hopeless(curve: Sequence[float], rule: StopRule) -> bool:
    """Whether a curve cannot be expected to reach the target in the epochs that are left."""
    if reaches(max(curve), rule.target):
        return False
    left = next((at for at, accuracy in enumerate(curve) if accuracy > rule.idle), None)
    judged, patience = (
        (len(curve), _PATIENCE_AT_MAJORITY) if left is None else (len(curve) - left, _PATIENCE)
    )
    if judged < max(3, math.ceil(patience * rule.epochs)):
        return False
    return prospect(curve, rule) < rule.target


def prospect(curve: Sequence[float], rule: StopRule) -> float:
    """The best accuracy that a curve of at least three epochs can be expected to end with.

    Curves of a decaying learning rate flatten: over the epochs that are left the best accuracy is
    taken to gain no more an epoch than it did lately, whatever that means between the last two
    epochs and the later half of all, plus an allowance for noise.
    """
    done, best = len(curve), max(curve)
    windows = range(2, done - done // 2 + 1)
    pace = max((best - max(curve[: done - window])) / window for window in windows)
    return best + pace * (rule.epochs - done) + _ALLOWANCE * rule.error


def ceiling(curve: Sequence[float], rule: StopRule, complete: bool) -> float:
    """The most that a training would have come to, as far as where it ended tells.

    It is infinite for one that ended at the target. One that fell behind a rival is taken to have
    stayed below it, so it adds nothing to what the rival tells.
    """
    best = max(curve)
    if complete:
        return best
    if reaches(best, rule.target):
        return math.inf
    return min(prospect(curve, rule), rule.target) if hopeless(curve, rule) else best
