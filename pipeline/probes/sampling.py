"""Evaluation on a fixed sample first, and on everything where that comes near the target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from pipeline.common.seeds import numpy_generator
from pipeline.finetuning.evaluation import Evaluation, predict
from pipeline.tasks import Split

# A sample this many of its standard errors below the target is not evaluated further.
_NEAR = 2.0


@dataclass(frozen=True)
class SampledEvaluation:
    """Scores ``rows`` fixed examples, and the others only when the sample comes near ``target``.

    A metric below ``threshold`` is thus the sample's alone; none of them can reach the target.
    ``target_error`` is the standard error of a metric near the target on the sample.
    """

    rows: int
    target: float
    target_error: float
    seed: int

    def threshold(self) -> float:
        """The sample's metric from which all examples are evaluated."""
        return self.target - _NEAR * self.target_error

    def __call__(self, model: nn.Module, split: Split, batch: int) -> Evaluation:
        """Evaluate the model on the sample, and on the rest if that is worth it."""
        order = numpy_generator(self.seed, "evaluation").permutation(len(split))
        sample, rest = np.sort(order[: self.rows]), np.sort(order[self.rows :])
        answers = np.empty(len(split), dtype=split.kind.dtype)
        answers[sample] = predict(model, split.take(sample), batch)
        part = Evaluation.of(answers[sample], split.take(sample))
        if not len(rest):
            return part
        if part.metric < self.threshold():
            return replace(part, answers=None)
        answers[rest] = predict(model, split.take(rest), batch)
        return Evaluation.of(answers, split)
