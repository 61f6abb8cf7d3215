"""One full fine-tuning of a cell, run once and remembered in the cell's journal."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.common.artifacts import Journal, Json, fingerprint
from pipeline.common.code import code_hash
from pipeline.common.config import parse
from pipeline.common.seeds import derive
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.ending import LittleToGain
from pipeline.finetuning.evaluation import least_error, score
from pipeline.finetuning.loop import EpochScore, Run, fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.finetuning.sampling import ClimbingEvaluation
from pipeline.training.parameters import Full
from pipeline.training.stack import stack

_LOG = logging.getLogger(__name__)
# The packages whose code decides a run: a journal's run of other code is not this one's.
_CODE = ("common", "curves", "finetuning", "models", "tasks", "training")


@dataclass(frozen=True)
class FullRun:
    """A finished run, as the journal keeps it.

    Attributes:
        identity: the hash of everything that decides the run, the rule that may end it included.
        learning_rate: the peak of its schedule.
        seed: which of the cell's trainings with that rate it is, from 0.
        diverged: its loss left the finite numbers.
        ended: a rule ended it before its last update.
        best: the scores of its best evaluation; None where it diverged before the first.
        train_metric: on training examples at that point, without dropout.
        answers: to the evaluation examples at that point, packed by the task kind.
        tokens: those trained on.
        flop: of training and evaluations.
        epochs: the scores of every evaluation.
    """

    identity: str
    learning_rate: float
    seed: int
    diverged: bool
    ended: bool
    best: EpochScore | None
    train_metric: float | None
    answers: str | None
    tokens: int
    flop: float
    epochs: tuple[EpochScore, ...]

    @property
    def metric(self) -> float:
        """The best metric, lower than any other where the run diverged at once."""
        return self.best.metric if self.best else -math.inf

    def rows(self) -> list[Json]:
        """A row an evaluation, for ``epochs.jsonl``."""
        own = {"learning_rate": self.learning_rate, "seed": self.seed}
        return [{**own, **asdict(score)} for score in self.epochs]

    @staticmethod
    def of(row: Json, where: str) -> FullRun:
        """The run that a line of the journal was made of.

        Raises:
            UserError: a key is missing, unknown or holds something else.
        """
        return parse(FullRun, row, where)


@dataclass
class FullRunner:
    """Fine-tunes a cell fully; each finished run goes to a journal in ``scratch`` first.

    Attributes:
        cell: what is fine-tuned.
        config: how.
        scratch: where the journal lies, so that what was interrupted repeats no finished run.
        runs: those asked for so far, in order.
    """

    cell: Cell
    config: FinetuneConfig
    scratch: Path
    runs: list[FullRun] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._journal = Journal(self.scratch / "runs.jsonl")
        where = f"{self._journal.path}: run"
        found = (FullRun.of(row, where) for row in self._journal.read())
        self._known = {run.identity: run for run in found}

    def run(
        self,
        rate: float,
        *,
        seed: int = 0,
        evaluations: int | None = None,
        rule: LittleToGain | None = None,
    ) -> FullRun:
        """The run with this learning rate, from the journal or from training now.

        Args:
            rate: the peak of the schedule.
            seed: which training; the first one has the cell's own seed, and all its head.
            evaluations: how many the whole run has; None for one an epoch.
            rule: what may end it, and spares it evaluations far below its best; None for nothing.
        """
        recipe = self._recipe(rate, evaluations)
        identity = self._identity(recipe, seed, rule)
        if identity not in self._known:
            _LOG.info("full fine-tuning %d: learning rate %g", len(self.runs) + 1, rate)
            self._known[identity] = self._train(recipe, seed, rule, identity)
            self._journal.append(asdict(self._known[identity]))
        self.runs.append(self._known[identity])
        return self.runs[-1]

    def _recipe(self, rate: float, evaluations: int | None) -> Recipe:
        config = self.config
        return Recipe(
            epochs=config.epochs,
            batch=config.batch,
            learning_rate=rate,
            warmup_fraction=config.warmup_fraction,
            optimizer=config.optimizer,
            train_eval_rows=config.train_eval_rows,
            evaluations=evaluations,
        )

    def _identity(self, recipe: Recipe, seed: int, rule: LittleToGain | None) -> str:
        return fingerprint(
            [
                code_hash(*_CODE),
                stack(self.cell.flat.values.device),
                self.cell.inputs,
                self._seed(seed),
                self.config.dropout,
                self.config.precision_for(subspace=False),
                self.config.recompute,
                asdict(recipe),
                asdict(rule) if rule else None,
            ]
        )

    def _seed(self, seed: int) -> int:
        """What the order of rows and dropout are drawn from."""
        return derive(self.cell.seed, "full", seed) if seed else self.cell.seed

    def _train(
        self, recipe: Recipe, seed: int, rule: LittleToGain | None, identity: str
    ) -> FullRun:
        cell, data = self.cell, self.cell.data
        cell.reset()
        run: Run[bool] = fine_tune(
            cell.network,
            Full(cell.flat),
            data.train,
            data.eval,
            recipe,
            self._seed(seed),
            stop=lambda curve: self._ends(curve, recipe, rule) or None,
            evaluate=ClimbingEvaluation(cell.seed) if rule else score,
            on_epoch=_report,
        )
        return FullRun(
            identity=identity,
            learning_rate=recipe.learning_rate,
            seed=seed,
            diverged=run.diverged,
            ended=run.ended is not None,
            best=run.best,
            train_metric=run.train_metric,
            answers=run.answers,
            tokens=run.tokens,
            flop=cell.flop(run),
            epochs=run.epochs,
        )

    def _ends(self, curve: Sequence[float], recipe: Recipe, rule: LittleToGain | None) -> bool:
        data = self.cell.data
        evaluations = len(recipe.evaluated_after(len(data.train)))
        if rule is None or len(curve) == evaluations:
            return False
        chance = data.kind.chance(data.eval.labels)
        error = least_error(max(curve), data.eval)
        return rule.ends(curve, evaluations, chance=chance, error=error)


def _report(score: EpochScore) -> None:
    _LOG.info("  epoch %d: loss %.3f, metric %.4f", score.epoch, score.loss, score.metric)
