"""Trains the curves that `benchmarks.recorded` keeps, in a study's folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.recorded import EPOCHS, RecordedCell, recorded
from pipeline import paths
from pipeline.common.artifacts import Journal, Json
from pipeline.common.seeds import derive
from pipeline.dimension.driver import drive
from pipeline.dimension.protocols import Strategy
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.search import BinarySearch
from pipeline.dimension.stopping import Stop
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import Run, fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.study.measured import measured_models
from pipeline.study.reading import load_params
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.loop import Trainable
from pipeline.training.optimizers import Optimizer
from pipeline.training.parameters import Full

# Full fine-tunings of a cell, a seed each.
FULL_RUNS = 3


@dataclass(frozen=True)
class Recorder:
    """A real cell, and the journal that its trainings go to.

    Attributes:
        cell: what is trained.
        finetune: the task's recipe.
        subspace: where probes train.
        optimizer: what moves their d numbers.
        known: what is recorded of it so far.
        journal: where whole trainings are kept.
    """

    cell: Cell
    finetune: FinetuneConfig
    subspace: SubspaceConfig
    optimizer: Optimizer
    known: RecordedCell
    journal: Journal

    def prepare(self) -> None:
        """Record what the target rests on, as far as it is not yet."""
        for seed in range(len(self.known.full), FULL_RUNS):
            own = derive(self.cell.seed, "full", seed) if seed else self.cell.seed
            self.cell.reset()
            recipe = self._recipe(self.finetune.epochs, self.finetune.learning_rates[0])
            self._keep(["full", seed], self._train(Full(self.cell.flat), recipe, own))
        if self.known.meta is None:
            kind, labels = self.cell.data.kind, self.cell.data.eval.labels
            self._keep(["meta"], {
                "chance": kind.chance(labels), "chance_error": kind.chance_error(labels),
                "D": self.cell.flat.size, "rows": len(self.cell.data.eval),
                "lr": self.finetune.learning_rates[0],
            })  # fmt: skip

    def probe(self, probe: Probe, question: Question) -> Record:
        """A probe's whole training, recorded or made now."""
        if (found := self.known.record(probe, question)) is not None:
            return found
        seed = derive(self.cell.seed, "probe", probe.seed, probe.d)
        recipe = self._recipe(EPOCHS, probe.learning_rate, self.optimizer)
        self.cell.reset()
        subspace = Subspace(self.cell.flat, self.subspace, probe.d, seed)
        row = self._train(subspace, recipe, seed)
        self._keep(["probe", *self.known.place(probe, question)], row)
        kept = self.known.record(probe, question)
        assert kept is not None, "it was kept just now"
        return kept

    def _recipe(self, epochs: int, rate: float, optimizer: Optimizer | None = None) -> Recipe:
        config = self.finetune
        own = optimizer or config.optimizer
        warmup, rows = config.warmup_fraction, config.train_eval_rows
        return Recipe(epochs, config.batch, rate, warmup, own, rows)

    def _train(self, trainable: Trainable, recipe: Recipe, seed: int) -> Json:
        """All epochs of a training, as a line keeps them."""
        network, data = self.cell.network, self.cell.data
        run: Run[str] = fine_tune(network, trainable, data.train, data.eval, recipe, seed)
        return {
            "curve": [epoch.metric for epoch in run.epochs], "answers": run.answers,
            "train": run.train_metric, "tokens": run.tokens, "lr": recipe.learning_rate,
            "diverged": run.diverged,
        }  # fmt: skip

    def _keep(self, place: list[str | int | float], row: Json) -> None:
        line = {"key": [self.cell.name, self.cell.task, *place], **row}
        self.journal.append(line)
        self.known.take(line)


def recorders(study: Path, journal: Journal) -> Iterator[Recorder]:
    """Every cell of a study with its target recorded, a checkpoint after the one before it."""
    config = load_params(study / "params.yaml")
    known = {(cell.checkpoint, cell.task): cell for cell in recorded(journal)}
    for model in measured_models(config):
        for task in config.tasks:
            finetune = config.task(task).finetune
            cell = Cell.open(
                name=model.name, task=task, model_dir=study / paths.model(model.name),
                task_dir=study / paths.task(model.tokens, task), config=finetune, seed=config.seed,
            )  # fmt: skip
            found = known.get((model.name, task), RecordedCell(model.name, task))
            training = finetune, config.subspace, config.search.optimizer
            recorder = Recorder(cell, *training, found, journal)
            recorder.prepare()
            yield recorder


def record(study: Path, journal: Journal) -> None:
    """Train what the paper's search asks for in every cell of a study."""
    for recorder in recorders(study, journal):
        question = recorder.known.question()
        if question is not None:
            drive(Strategy(BinarySearch(question)), partial(_whole, recorder, question))


def _whole(recorder: Recorder, question: Question, probe: Probe, stop: Stop) -> Record:
    return recorder.probe(probe, question)
