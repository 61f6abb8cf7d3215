"""The certificates of a cell: subspace trainings as few bits as can be, written, read and tried."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from pipeline.certificates.code import decode, encode
from pipeline.certificates.config import CertificateConfig
from pipeline.certificates.result import Candidate, CertificateResult
from pipeline.certificates.rows import distinct, majority
from pipeline.certificates.tuning import QuantisedSubspace
from pipeline.common.artifacts import atomic_file
from pipeline.common.status import Status
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.evaluation import predict
from pipeline.finetuning.loop import Run, fine_tune
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import Costly, FullResult, cost_of
from pipeline.probes.asking import cell_question, probe_training
from pipeline.probes.config import SearchConfig
from pipeline.probes.probe import ProbeRunner
from pipeline.probes.result import SearchResult
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.quantise import Quantised
from pipeline.subspace.reparameterisation import Subspace
from pipeline.subspace.task_vector import load_task_vector
from pipeline.tasks import Split

# Tuning through levels trains at this share of the rate that the numbers were trained at.
_TUNING_RATE = 0.3
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Described:
    """A model as its file, what came of trying what the file says, and the trainings behind it."""

    candidate: Candidate
    content: bytes
    record: Record
    tuning: Costly


@dataclass(frozen=True)
class Certifier:
    """Certifies a cell.

    Attributes:
        runner: trains the cell in subspaces; its journal keeps what is finished.
        finetune: the task's recipe.
        question: what the search of the cell was asked: the grid of d and the learning rates.
        config: the table of candidates.
    """

    runner: ProbeRunner
    finetune: FinetuneConfig
    question: Question
    config: CertificateConfig

    @staticmethod
    def of(
        cell: Cell,
        *,
        search: SearchConfig,
        subspace: SubspaceConfig,
        finetune: FinetuneConfig,
        full: FullResult,
        config: CertificateConfig,
        scratch: Path,
    ) -> Certifier:
        """The certifier of a cell that is trained as its search would train it.

        Raises:
            UserError: the search's grid does not fit the model.
        """
        question = cell_question(
            cell, search=search, subspace=subspace, finetune=finetune, full=full, neighbour=None
        )
        training = probe_training(search, finetune, question, cell)
        runner = ProbeRunner(cell, subspace, finetune, training, scratch)
        return Certifier(runner, finetune, question, config)

    def certify(self, found: SearchResult, out: Path) -> CertificateResult:
        """Try all candidates; write ``result.json`` and, of the best, its file and task vector.

        What evaluation rows choose is free: the learning rate and d₉₀ of ``found``, and the epoch
        of each training. The smallest bound is chosen by training rows, and paid for.

        Args:
            found: the search of the cell, whose d₉₀ is a candidate.
            out: where the results go.
        """
        described = list(self._described(found))
        result = self._result(found, described)
        if (place := result.smallest()) is not None:
            content = described[place].content
            result = replace(result, best=place, code_sha256=hashlib.sha256(content).hexdigest())
            with atomic_file(out / "code.bin") as temporary:
                temporary.write_bytes(content)
            subspace, vector = self._place(content, described[place].record.probe)
            self.runner.keep(vector, subspace, out / "task.safetensors")
        result.write(out)
        return result

    def dimensions(self, found: SearchResult) -> tuple[int, ...]:
        """The d that are tried: the cell's own and those of the table that the model allows."""
        own = [found.task_d] if found.task_d is not None else []
        layers, size = self.runner.layers(), self.runner.cell.flat.size
        return tuple(sorted({*own, *(d for d in self.config.d if layers < d <= size)}))

    def choices(self) -> int:
        """How many candidates there could be before any row was looked at: each d₉₀ is one."""
        return len({*self.question.grid, *self.config.d}) * len(self.config.levels)

    def _described(self, found: SearchResult) -> Iterator[Described]:
        train = self.runner.cell.data.train
        counted = train.take(distinct(train))
        for d in self.dimensions(found):
            record = self.runner.run(Probe(d, 0, self._rate(d, found)))
            for levels in self.config.levels if record.best_epoch is not None else ():
                described = self._candidate(record, levels, counted)
                if described is not None:
                    yield described

    def _rate(self, d: int, found: SearchResult) -> float:
        """The learning rate at d that served the search, or where the best one is expected."""
        rates = self.question.rates
        offered = dict(zip(rates.multiples, rates.at(d), strict=True))
        if found.rate in offered:
            return offered[found.rate]
        return min(offered.values(), key=lambda rate: abs(rates.decades(d, rate) - rates.centre))

    def _candidate(self, record: Record, levels: int, counted: Split) -> Described | None:
        """A training as a file, and the file as a model; None where tuning broke down."""
        runner, cell, probe = self.runner, self.runner.cell, record.probe
        subspace = runner.subspace_of(probe)
        trained = load_task_vector(runner.vector_path(record)).vector
        assert isinstance(trained, torch.Tensor), "probes keep their numbers as they are"
        tuned = QuantisedSubspace(subspace, trained.to(subspace.vector), levels)
        recipe = runner.training.recipe(self.finetune, _TUNING_RATE * probe.learning_rate)
        recipe = replace(recipe, epochs=self.config.epochs, max_steps=None, evaluations=None)
        run: Run[None] = fine_tune(
            cell.network, tuned, cell.data.train, cell.data.eval, recipe, runner.seed(probe)
        )
        if run.vector is None:
            return None
        content = encode(tuned.quantised())
        self._place(content, probe)
        wrong = [_error(cell, split, recipe.batch) for split in (counted, cell.data.eval)]
        code = 8 * len(content)
        _LOG.info(
            "d = %d, %d levels: %d bits, errors %.4f of training and %.4f of evaluation rows",
            probe.d, levels, code, *wrong,
        )  # fmt: skip
        candidate = Candidate(probe.d, levels, probe.seed, probe.learning_rate, code, *wrong)
        return Described(candidate, content, record, _Tuning(run.tokens, cell.flop(run)))

    def _place(self, content: bytes, probe: Probe) -> tuple[Subspace, Quantised]:
        """Write the weights into the network that a file stands for."""
        subspace, vector = self.runner.subspace_of(probe), decode(content, probe.d)
        with torch.no_grad():
            subspace.vector += vector.values(subspace.vector.dtype).to(subspace.vector.device)
        subspace.materialize()
        return subspace, vector

    def _result(self, found: SearchResult, described: Sequence[Described]) -> CertificateResult:
        cell = self.runner.cell
        train, evaluation = cell.data.train.labels, cell.data.eval.labels
        rows = distinct(cell.data.train)
        commonest = majority(train[rows])
        trainings = {one.record.probe: one.record for one in described}
        return CertificateResult(
            model=found.model,
            task=found.task,
            step=found.step,
            status=Status.OK if described else Status.DIVERGED,
            reason="" if described else "the loss of every candidate's training left the numbers",
            delta=self.config.delta,
            rows=len(rows),
            duplicates=len(train) - len(rows),
            choices=self.choices(),
            majority_error=float((train[rows] != commonest).mean()),
            eval_majority_error=float((evaluation != commonest).mean()),
            cost=cost_of([*trainings.values(), *(one.tuning for one in described)]),
            inputs=cell.inputs,
            candidates=tuple(one.candidate for one in described),
        )


@dataclass(frozen=True)
class _Tuning:
    """What tuning through levels cost."""

    tokens: int
    flop: float


def _error(cell: Cell, split: Split, batch: int) -> float:
    """The share of wrong answers."""
    return float((predict(cell.network, split, batch) != split.labels).mean())
