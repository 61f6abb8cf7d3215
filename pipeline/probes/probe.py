"""One subspace training of a cell, run once and remembered in the cell's journal."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from pipeline.common.artifacts import Journal, atomic_file, fingerprint, sha256
from pipeline.common.code import code_hash
from pipeline.common.seeds import derive
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.stopping import Stop, never, resumed
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.evaluation import score
from pipeline.finetuning.loop import Run, fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.finetuning.sampling import SampledEvaluation
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.quantise import Quantised
from pipeline.subspace.reparameterisation import Subspace, scale_count
from pipeline.subspace.task_vector import Classifier, save_task_vector
from pipeline.training.optimizers import AdamW, Optimizer
from pipeline.training.stack import stack

# The packages whose code decides a probe's curve.
_CODE = ("common", "finetuning", "models", "probes", "subspace", "tasks", "training")
# The key of a journal's line that a record does not have: the hash of its d numbers.
_VECTOR = "vector_sha256"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProbeTraining:
    """How every probe trains and is evaluated.

    Attributes:
        epochs: None for as many as the task's fine-tuning.
        optimizer: what moves the d numbers.
        max_steps: the most updates that a probe may take.
        evaluations: of a whole probe, evenly over its updates; None for one an epoch.
        sampled: evaluation on a sample first; None evaluates on everything.
    """

    epochs: int | None = None
    optimizer: Optimizer = field(default_factory=lambda: AdamW(weight_decay=0.0))
    max_steps: int | None = None
    evaluations: int | None = None
    sampled: SampledEvaluation | None = None

    def recipe(self, finetune: FinetuneConfig, learning_rate: float) -> Recipe:
        """The recipe of a probe with this learning rate on a task."""
        return Recipe(
            self.epochs or finetune.epochs,
            finetune.batch,
            learning_rate,
            finetune.warmup_fraction,
            self.optimizer,
            finetune.train_eval_rows,
            self.max_steps,
            self.evaluations,
        )


@dataclass(frozen=True)
class ProbeRunner:
    """Trains the probes of a cell; each finished one goes to a journal in ``scratch`` first."""

    cell: Cell
    subspace: SubspaceConfig
    finetune: FinetuneConfig
    training: ProbeTraining
    scratch: Path

    def layers(self) -> int:
        """m, the number of scales among the d numbers."""
        return scale_count(self.cell.flat.spans, self.subspace)

    def known(self, probe: Probe, stop: Stop = never) -> Record | None:
        """What training under ``stop`` would leave, as far as the journal tells (`resumed`)."""
        past = self._records.get(self.identity(probe), [])
        return next((again for record in past if (again := resumed(record, stop))), None)

    def run(self, probe: Probe, stop: Stop = never) -> Record:
        """The probe's record: from the journal where it suffices, else from training now."""
        record = self.known(probe, stop)
        if record is None:
            record = self.train(probe, stop)
            self.enter(record)
        return record

    def enter(self, record: Record) -> None:
        """Put a finished training, whose d numbers are kept, into the journal."""
        self._journal.append({**record.row(), _VECTOR: self._vector_hash(record)})
        self._records.setdefault(record.identity, []).append(record)

    def vector_path(self, record: Record) -> Path:
        """Where the d numbers of a probe's best epoch are kept meanwhile."""
        return self.scratch / f"{record.identity}-{len(record.curve)}.safetensors"

    def identity(self, probe: Probe) -> str:
        """The hash of everything a probe's curve depends on."""
        return fingerprint(
            [
                code_hash(*_CODE),
                stack(self.cell.flat.values.device),
                self.cell.inputs,
                self.seed(probe),
                self.finetune.dropout,
                self.finetune.precision,
                self.finetune.recompute,
                asdict(self.subspace),
                asdict(self.training.recipe(self.finetune, probe.learning_rate)),
                asdict(probe),
                asdict(self.training.sampled) if self.training.sampled else None,
            ]
        )[:32]

    def seed(self, probe: Probe) -> int:
        """What P, the order of rows and dropout are drawn from: anew at each d.

        Drawn from the probe's seed alone, the P of neighbouring d would share their columns with
        Fastfood, and probes be no independent witnesses of d₉₀, as its interval takes them for.
        """
        return derive(self.cell.seed, "probe", probe.seed, probe.d)

    def subspace_of(self, probe: Probe) -> Subspace:
        """The subspace that a probe trains in, with θ₀ put back into the network."""
        cell = self.cell
        cell.reset()
        return Subspace(cell.flat, self.subspace, probe.d, self.seed(probe), origin=cell.origin)

    def keep(self, vector: torch.Tensor | Quantised, subspace: Subspace, path: Path) -> None:
        """Write the d numbers of a training as the cell's task vector (`save_task_vector`)."""
        cell = self.cell
        kind = cell.data.kind
        with atomic_file(path) as temporary:
            save_task_vector(
                temporary,
                vector,
                subspace=subspace,
                checkpoint=cell.inputs["checkpoint"],
                task=cell.task,
                classifier=Classifier(cell.seed, kind.labels, kind.problem),
            )

    @cached_property
    def _journal(self) -> Journal:
        return Journal(self.scratch / "probes.jsonl")

    @cached_property
    def _records(self) -> dict[str, list[Record]]:
        """What the journal holds, by identity."""
        records: dict[str, list[Record]] = {}
        for row in self._journal.read():
            kept = row.pop(_VECTOR, None)
            record = Record.of(row, f"{self._journal.path}: record")
            if kept == self._vector_hash(record):
                records.setdefault(record.identity, []).append(record)
            else:
                path = self.vector_path(record)
                _LOG.warning("%s is missing or altered: its probe is trained again", path)
        return records

    def _vector_hash(self, record: Record) -> str | None:
        """The hash of the kept d numbers; None where there are none, as of what broke down."""
        path = self.vector_path(record)
        return sha256(path) if path.exists() else None

    def train(self, probe: Probe, stop: Stop = never) -> Record:
        """Train a probe now and keep its d numbers; the journal does not know of it yet."""
        cell, seed = self.cell, self.seed(probe)
        subspace = self.subspace_of(probe)
        run = fine_tune(
            cell.network,
            subspace,
            cell.data.train,
            cell.data.eval,
            self.training.recipe(self.finetune, probe.learning_rate),
            seed,
            stop=stop,
            evaluate=self.training.sampled or score,
        )
        record = self._record(probe, run)
        if run.vector is not None:
            self.keep(run.vector, subspace, self.vector_path(record))
        return record

    def _record(self, probe: Probe, run: Run[Ending]) -> Record:
        """What is kept of a run."""
        return Record(
            probe=probe,
            curve=tuple(score.metric for score in run.epochs),
            ended=Ending.DIVERGED if run.diverged else run.ended or Ending.COMPLETE,
            best_epoch=run.best.epoch if run.best else None,
            train_metric=run.train_metric,
            answers=run.answers,
            tokens=run.tokens,
            flop=self.cell.flop(run),
            identity=self.identity(probe),
        )
