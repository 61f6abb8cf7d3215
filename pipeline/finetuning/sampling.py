"""Evaluation on a sample that grows as its metric nears the one that is to be reached."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from pipeline.common.seeds import numpy_generator
from pipeline.finetuning.evaluation import Evaluation, predict, score
from pipeline.tasks import Split

# The first sample: a sixteenth of the examples, and enough of them for its error to be known.
_FIRST_SHARE, _FIRST_ROWS = 1 / 16, 256
# Sets of this many examples are worth it: a sixteenth of them suffices.
WORTH_SAMPLING = round(_FIRST_ROWS / _FIRST_SHARE)
# A sample so many of its standard errors below the target grows no further.
_NEAR = 2.0


@dataclass(frozen=True)
class SampledEvaluation:
    """Tries examples in a fixed random order until their metric is clearly below ``target``.

    The sample doubles until it is, or holds all examples: a metric of some of them never reaches
    the target, nor is it the best where the target is the best one so far. How far a sample's
    metric may be from that of all n examples is the task kind's standard error of a metric on m of
    them times √(1 − m/n), because they are drawn without replacement; the larger one is taken of
    the error at the target and at the metric.

    Attributes:
        target: the metric that is to be reached.
        seed: with "evaluation", what the order is drawn from.
    """

    target: float
    seed: int

    def __call__(self, model: nn.Module, split: Split, batch: int) -> Evaluation:
        """Evaluate the model on as many examples of the split as it takes."""
        order = numpy_generator(self.seed, "evaluation").permutation(len(split))
        answers = np.empty(len(split), dtype=split.kind.dtype)
        done, size = 0, max(math.ceil(_FIRST_SHARE * len(split)), _FIRST_ROWS)
        while size < len(split):
            fresh, sample = np.sort(order[done:size]), np.sort(order[:size])
            answers[fresh] = predict(model, split.take(fresh), batch)
            part = Evaluation.of(answers[sample], split.take(sample))
            if part.metric < self.target - _NEAR * self._error(answers, split, sample):
                return replace(part, answers=None)
            done, size = size, 2 * size
        rest = np.sort(order[done:])
        answers[rest] = predict(model, split.take(rest), batch)
        return Evaluation.of(answers, split)

    def _error(self, answers: np.ndarray, split: Split, sample: np.ndarray) -> float:
        """How far the metric of a sample's answers may be from that of the whole split."""
        kind, own, labels = split.kind, answers[sample], split.labels[sample]
        packed = kind.pack(own, labels)
        values = (kind.score(own, labels), self.target)
        error = max(kind.error(value, labels, packed) for value in values)
        return error * math.sqrt(1 - len(sample) / len(split))


@dataclass
class ClimbingEvaluation:
    """`SampledEvaluation` against the best metric of the run itself, of whose rise nothing is lost.

    Attributes:
        seed: see `SampledEvaluation`.
        best: the best metric on all examples so far; None before the first evaluation.
    """

    seed: int
    best: float | None = None

    def __call__(self, model: nn.Module, split: Split, batch: int) -> Evaluation:
        """Evaluate the model on as many examples as it takes to tell that it is not the best."""
        evaluate = score if self.best is None else SampledEvaluation(self.best, self.seed)
        seen = evaluate(model, split, batch)
        if seen.answers is not None:
            self.best = seen.metric if self.best is None else max(self.best, seen.metric)
        return seen
