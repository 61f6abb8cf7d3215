"""When a probe may end before its last evaluation: by the probability that it will still reach.

A curve is the list of evaluation metrics so far, the latest last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scipy.special import ndtr

from pipeline.common.target import reaches
from pipeline.curves.forecast import forecast
from pipeline.dimension.question import Question
from pipeline.dimension.record import Ending, Record

# Says from the metrics after each evaluation so far for what training ends here; None: it goes on.
Stop = Callable[[Sequence[float]], Ending | None]

# A training that is less likely than this to reach any more is not worth its end; nor one whose
# curve has left this much of the chance that it began with, so that no training ends, and tells
# nothing, because little was expected of it.
_HOPELESS = 0.1
_LEFT = 0.2
# What is expected of a training's level stays open by this part of the way from chance to full: no
# training ends by what others did alone.
_OPEN = 0.1


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
    """Ends a training that has reached, or that will hardly reach any more.

    Attributes:
        question: what the search is asked.
        expected: mean and standard deviation of the training's best metric before it begins, as
            the trainings before it have it (`Posterior.expects`); None where nothing is known.
    """

    question: Question
    expected: tuple[float, float] | None = None

    def __call__(self, curve: Sequence[float]) -> Ending | None:
        """Why training may end here; None: it goes on."""
        if reaches(max(curve), self.question.target):
            return Ending.REACHED
        if len(curve) >= self.question.evaluations:
            return None
        return Ending.HOPELESS if self.chance(curve) < self._least else None

    @property
    def _least(self) -> float:
        """The chance below which a training is hopeless."""
        prior = self._prior()
        if prior is None:
            return _HOPELESS
        mean, sd = prior
        return min(_HOPELESS, _LEFT * float(ndtr((mean - self.question.target) / sd)))

    def chance(self, curve: Sequence[float]) -> float:
        """The probability that a curve that has not reached yet still will."""
        question = self.question
        return forecast(
            curve, question.evaluations, chance=question.chance, error=question.wobble,
            prior=self._prior(),
        ).reaches(question.target)  # fmt: skip

    def _prior(self) -> tuple[float, float] | None:
        if self.expected is None:
            return None
        mean, sd = self.expected
        return mean, math.hypot(sd, _OPEN * self.question.levels.span)
