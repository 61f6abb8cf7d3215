"""When a probe may end before its last epoch: pure rules over the evaluation curve so far.

A curve is the list of evaluation metrics after each epoch, the latest last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.dimension.record import Ending, Record, proven
from pipeline.dimension.status import reaches

# Says from the metrics after each epoch so far for what training ends here; None: it goes on.
Stop = Callable[[Sequence[float]], Ending | None]

# Futility (`hopeless`): the share of the epochs before which nothing is judged, counted from where
# a curve has left chance; curves that have not often rise late and steeply, so they
# have longer. And the allowance for noise in standard errors of the evaluation.
# benchmarks/search_protocols.py measures how often this stops a training that would have reached.
_PATIENCE = 0.3
_PATIENCE_AT_CHANCE = 0.55
_ALLOWANCE = 0.5
# A rate has this share of the epochs to catch up with another one (`behind`), with a larger one the
# second.
_PATIENCE_BEHIND = 0.2
_PATIENCE_SLOWER = 0.5


def never(curve: Sequence[float]) -> None:
    """All epochs are trained."""


def resumed(record: Record, stop: Stop) -> Record | None:
    """The record that training under ``stop`` would leave, from one made under any rule.

    It is the same training where ``stop`` ends it exactly where the record ends; then ``ended`` is
    the reason of ``stop``, not of the rule back then, so that a search that finds its trainings in
    the journal leaves the same bytes as one that trains. None where training would end earlier, or
    go on.
    """
    curve = record.curve
    if any(stop(curve[:length]) for length in range(1, len(curve))):
        return None
    ended = stop(curve) if curve else None
    if record.ended is Ending.DIVERGED:
        # What broke down after its last epoch would not have been trained any more.
        return None if ended else record
    if ended is None:
        return record if record.whole else None
    return replace(record, ended=ended)


@dataclass(frozen=True)
class StopRule:
    """The efficient protocol's rule: end where the target is reached, or out of reach.

    With ``confirm``, one epoch just above the target is no proof yet: a maximum over epochs is
    often luck.

    Attributes:
        target: the metric to reach.
        error: standard error of a metric near it.
        epochs: what a whole training has.
        idle: the metric up to which a curve counts as still at chance.
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

    def __call__(self, curve: Sequence[float]) -> Ending | None:
        """Why training may end here; None: it goes on."""
        if self.at_target and reaches(max(curve), self.target):
            sure = not self.confirm or proven(curve, self.target, self.error)
            return Ending.REACHED if sure else None
        if behind(curve, self):
            return Ending.BEHIND
        return Ending.HOPELESS if self.futility and hopeless(curve, self) else None


def behind(curve: Sequence[float], rule: StopRule) -> bool:
    """Whether a curve is clearly below what its rival, who missed, had at the same time.

    A rival that is still at chance itself ends nobody.
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
    left = next((at for at, metric in enumerate(curve) if metric > rule.idle), None)
    judged, patience = (
        (len(curve), _PATIENCE_AT_CHANCE) if left is None else (len(curve) - left, _PATIENCE)
    )
    if judged < max(3, math.ceil(patience * rule.epochs)):
        return False
    return prospect(curve, rule) < rule.target


def prospect(curve: Sequence[float], rule: StopRule) -> float:
    """The best metric that a curve of at least three epochs can be expected to end with.

    Curves of a decaying learning rate flatten: over the epochs that are left the best metric is
    taken to gain no more an epoch than it did lately, whatever that means between the last two
    epochs and the later half of all, plus an allowance for noise.
    """
    done, best = len(curve), max(curve)
    windows = range(2, done - done // 2 + 1)
    pace = max((best - max(curve[: done - window])) / window for window in windows)
    return best + pace * (rule.epochs - done) + _ALLOWANCE * rule.error


def ceiling(record: Record, rule: StopRule) -> float:
    """The most that a training would have come to, as far as where it ended tells.

    It is infinite for one that ended at the target. One that fell behind a rival is taken to have
    stayed below it, so it adds nothing to what the rival tells.
    """
    if record.whole:
        return record.metric
    if record.reached(rule.target):
        return math.inf
    if hopeless(record.curve, rule):
        return min(prospect(record.curve, rule), rule.target)
    return record.metric
