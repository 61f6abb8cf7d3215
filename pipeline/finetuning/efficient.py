"""Full fine-tuning for a fraction of the paper's cost, and with the error of what it finds.

It starts from one learning rate, checks those beside it, goes on towards the better one, and
repeats the best rate with other seeds. A run ends when little is still to be gained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.finetuning.baseline import BaselineConfig
from pipeline.finetuning.ending import LittleToGain
from pipeline.finetuning.evaluation import least_error
from pipeline.finetuning.full_run import FullRun, FullRunner
from pipeline.finetuning.recipe import EVALUATIONS, long_evaluations

# The seeds' error may be so much of the evaluation set's.
_SHARE = 0.5


@dataclass(frozen=True)
class Efficient:
    """The efficient protocol.

    Attributes:
        runner: trains.
        config: the protocol's settings.
        near: the best learning rate of the neighbouring checkpoint; None where none is known.
    """

    runner: FullRunner
    config: BaselineConfig
    near: float | None = None

    def run(self) -> list[FullRun]:
        """The runs whose mean is the full metric: those of the best learning rate."""
        repeated = [self._best_rate()]
        while repeated[0].best is not None and not self._known(repeated):
            repeated.append(self._again(repeated[0].learning_rate, len(repeated)))
        return repeated

    def _best_rate(self) -> FullRun:
        """The run of a rate from which none beside it was better; smaller ones are tried first.

        Once one side was better, the other one lies behind the best rate and is left out.
        """
        rates = sorted(self.runner.config.learning_rates)
        place = self._start(rates)
        first = best = self._try(rates[place], None)
        for side in (rates[:place][::-1], rates[place + 1 :]):
            for rate in side:
                run = self._try(rate, best.best.metric if best.best else None)
                # While nothing but divergence is known, a smaller rate is no worse.
                if best.best is not None and run.metric <= best.metric:
                    break
                best = run
            if best is not first:
                break
        return best

    def _start(self, rates: Sequence[float]) -> int:
        """The place of the rate nearest to the neighbour's, or of the middle one."""
        if self.near is None:
            return (len(rates) - 1) // 2
        wanted = math.log(self.near)
        return min(range(len(rates)), key=lambda place: abs(math.log(rates[place]) - wanted))

    def _known(self, runs: Sequence[FullRun]) -> bool:
        """Whether the mean of the runs is known as well as it should be, or must do."""
        if len(runs) >= self.config.runs:
            return True
        metrics = best_metrics(self.runner, runs)
        error = least_error(float(np.mean(metrics)), self.runner.cell.data.eval)
        found = spread(metrics, error)
        return found is not None and found <= _SHARE * error

    def _try(self, rate: float, beat: float | None) -> FullRun:
        rule = LittleToGain(self.config.gain, beat)
        return self.runner.run(rate, evaluations=self._evaluations(), rule=rule)

    def _again(self, rate: float, seed: int) -> FullRun:
        rule = LittleToGain(self.config.gain)
        return self.runner.run(rate, seed=seed, evaluations=self._evaluations(), rule=rule)

    def _evaluations(self) -> int | None:
        config, rows = self.runner.config, len(self.runner.cell.data.train)
        return long_evaluations(rows, config.batch, config.epochs)

    def deviations(self, repeated: Sequence[FullRun]) -> tuple[str, ...]:
        """In what the runs depart from the paper's full fine-tuning, in words."""
        runs, rates = self.runner.runs, self.runner.config.learning_rates
        tried = sorted({run.learning_rate for run in runs})
        said = []
        if len(tried) < len(rates):
            listed = ", ".join(f"{rate:g}" for rate in tried)
            said.append(f"full fine-tuning tried {len(tried)} of {len(rates)} rates ({listed})")
        if any(run.ended for run in runs):
            said.append(
                "runs of full fine-tuning ended when no more than "
                f"{self.config.gain:g} was expected to be gained (baseline.gain)"
            )
        if self._evaluations() is not None:
            said.append(f"full fine-tuning is evaluated {EVALUATIONS} times an epoch")
        if len(repeated) > 1:
            said.append(f"the full metric is the mean of {len(repeated)} runs, not the best run's")
        return tuple(said)


def best_metrics(runner: FullRunner, runs: Sequence[FullRun]) -> tuple[float, ...]:
    """The best metric of each run; one that diverged at once has learned nothing but chance."""
    data = runner.cell.data
    chance = data.kind.chance(data.eval.labels)
    return tuple(run.best.metric if run.best else chance for run in runs)


def spread(metrics: Sequence[float], error: float) -> float | None:
    """The standard error over seeds of the mean of some runs' best metrics; None for one run.

    A few runs may agree by chance: their standard deviation is taken for no less than half of the
    evaluation set's ``error``, since runs that are equally good differ in some examples.
    """
    if len(metrics) < 2:
        return None
    return max(float(np.std(metrics, ddof=1)), error / 2) / math.sqrt(len(metrics))
