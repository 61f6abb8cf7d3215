"""One subspace training of a cell, run once and remembered in the cell's journal."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from pipeline.common.artifacts import Journal, atomic_file, fingerprint
from pipeline.common.seeds import derive
from pipeline.dimension.search import Probe
from pipeline.dimension.stopping import Stop, never, suffices
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.probes.sampling import SampledEvaluation
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace, scale_count
from pipeline.subspace.task_vector import Classifier, save_task_vector
from pipeline.tasks.examples import pack
from pipeline.training.optimizers import AdamW, Optimizer

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProbeTraining:
    """How every probe trains and is evaluated.

    Attributes:
        epochs: None for as many as the task's fine-tuning.
        optimizer: what moves the d numbers.
        max_steps: the most updates that a probe may take.
        sampled: evaluation on a sample first; None evaluates on everything.
    """

    epochs: int | None = None
    optimizer: Optimizer = field(default_factory=lambda: AdamW(weight_decay=0.0))
    max_steps: int | None = None
    sampled: SampledEvaluation | None = None


@dataclass(frozen=True)
class ProbeRunner:
    """Trains the probes of a cell; each finished one goes to a journal in ``scratch`` first.

    A row of the journal holds what the probe came to (``metric``, the best epoch's accuracy, 0
    where the first epoch already diverged; ``curve``, the accuracy after every epoch) and an
    identity, the hash of everything that decides it but the rule that ended it.
    """

    cell: Cell
    subspace: SubspaceConfig
    finetune: FinetuneConfig
    training: ProbeTraining
    scratch: Path

    def layers(self) -> int:
        """m, the number of scales among the d numbers."""
        return scale_count(self.cell.flat.spans, self.subspace)

    def known(self, probe: Probe, stop: Stop = never) -> dict[str, Any] | None:
        """The journal's row of the probe if training under ``stop`` would leave the same one."""
        rows = self._rows.get(self.identity(probe), [])
        return next((row for row in rows if suffices(row, stop)), None)

    def run(self, probe: Probe, stop: Stop = never) -> dict[str, Any]:
        """The probe's row: from the journal where it suffices, else from training now."""
        row = self.known(probe, stop)
        if row is None:
            row = self._train(probe, stop)
            self._journal.append(row)
            self._rows.setdefault(row["identity"], []).append(row)
        return row

    def vector_path(self, row: dict[str, Any]) -> Path:
        """Where the d numbers of a probe's best epoch are kept meanwhile."""
        return self.scratch / f"{row['identity']}-{row['epochs_run']}.safetensors"

    def identity(self, probe: Probe) -> str:
        """The hash of everything a probe's curve depends on."""
        return fingerprint(
            [
                self.cell.inputs,
                self._seed(probe),
                self.finetune.dropout,
                self.finetune.precision,
                asdict(self.subspace),
                asdict(self._recipe(probe)),
                asdict(probe),
                asdict(self.training.sampled) if self.training.sampled else None,
            ]
        )[:32]

    @cached_property
    def _journal(self) -> Journal:
        return Journal(self.scratch / "probes.jsonl")

    @cached_property
    def _rows(self) -> dict[str, list[dict[str, Any]]]:
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in self._journal.read():
            rows.setdefault(row["identity"], []).append(row)
        return rows

    def _seed(self, probe: Probe) -> int:
        """What P, the order of rows and dropout are drawn from: anew at each d.

        Drawn from the probe's seed alone, the P of neighbouring d would share their columns with
        Fastfood, and probes be no independent witnesses of d₉₀, as its interval takes them for.
        """
        return derive(self.cell.seed, "probe", probe.seed, probe.d)

    def _recipe(self, probe: Probe) -> Recipe:
        return Recipe(
            self.training.epochs or self.finetune.epochs,
            self.finetune.batch,
            probe.learning_rate,
            self.finetune.warmup_fraction,
            self.training.optimizer,
            self.finetune.train_eval_rows,
            self.training.max_steps,
        )

    def _train(self, probe: Probe, stop: Stop) -> dict[str, Any]:
        cell = self.cell
        cell.reset()
        seed = self._seed(probe)
        subspace = Subspace(cell.flat, self.subspace, probe.d, seed)
        recipe = self._recipe(probe)
        run = fine_tune(
            cell.model,
            subspace,
            cell.data.train,
            cell.data.eval,
            recipe,
            seed,
            stop=stop,
            evaluate=self.training.sampled,
        )
        row = {
            "identity": self.identity(probe),
            **asdict(probe),
            "diverged": run.diverged,
            "complete": run.complete,
            "metric": run.best.accuracy if run.best else 0.0,
            "best_epoch": run.best.epoch if run.best else None,
            "epochs_run": len(run.epochs),
            "acc_train": run.train_accuracy,
            "curve": [score.accuracy for score in run.epochs],
            "correct": None if run.correct is None else pack(run.correct),
            "tokens": run.tokens,
            "flop": cell.flop(run),
        }
        if run.vector is not None:
            self._keep(run.vector, subspace, self.vector_path(row))
        return row

    def _keep(self, vector: torch.Tensor, subspace: Subspace, path: Path) -> None:
        cell = self.cell
        head = Classifier(cell.seed, tuple(cell.data.manifest["labels"]))
        with atomic_file(path) as temporary:
            save_task_vector(
                temporary, vector, subspace, cell.inputs["checkpoint"], cell.task, head
            )
