"""The search for a cell's d₉₀: probes in random subspaces until the search has its verdict."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.common.artifacts import Json, atomic_file, write_jsonl
from pipeline.dimension.driver import drive
from pipeline.dimension.protocols import PROTOCOLS
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.stopping import Stop
from pipeline.dimension.verdict import Verdict
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import FullResult, cost_of
from pipeline.probes.asking import cell_question, no_search, probe_training, target_of
from pipeline.probes.config import SearchConfig
from pipeline.probes.evidence import answers_noise, deviations, interval, other_fractions, unordered
from pipeline.probes.neighbour import Neighbour
from pipeline.probes.probe import ProbeRunner
from pipeline.probes.result import SearchResult
from pipeline.subspace.config import SubspaceConfig

_LOG = logging.getLogger(__name__)


def search_cell(
    cell: Cell,
    *,
    search: SearchConfig,
    subspace: SubspaceConfig,
    finetune: FinetuneConfig,
    full: FullResult,
    neighbour: Neighbour | None,
    scratch: Path,
    out: Path,
) -> SearchResult:
    """Search the cell's d₉₀; write ``result.json``, ``answer.json`` and ``trials.jsonl``.

    With status ``ok`` the d numbers at d₉₀ go to ``task.safetensors``. A cell that needs no search
    (method §2) has no trials.

    Args:
        cell: what is searched.
        search: what d₉₀ is, and how it is searched for.
        subspace: where probes train.
        finetune: the task's recipe.
        full: full fine-tuning of the cell, which sets the target.
        neighbour: what the search of a neighbouring checkpoint found; None where there is none.
        scratch: where finished probes are kept, so that an interrupted search goes on.
        out: where the results go.

    Raises:
        UserError: the grid does not fit the model.
    """
    question = cell_question(
        cell, search=search, subspace=subspace, finetune=finetune, full=full, neighbour=neighbour
    )
    training = probe_training(search, question, cell)
    runner = ProbeRunner(cell, subspace, finetune, training, scratch)
    asked = _Search(runner, search, question, full)
    verdict, records = asked.run()
    result = asked.result(verdict, list(records.values()))
    if verdict.winner is not None:
        content = runner.vector_path(records[verdict.winner]).read_bytes()
        with atomic_file(out / "task.safetensors") as temporary:
            temporary.write_bytes(content)
    write_jsonl(out / "trials.jsonl", [_trial(record, question) for record in records.values()])
    answer = Neighbour(result.model, result.status, result.d90, result.learning_rate)
    answer.write(out / "answer.json")
    result.write(out / "result.json")
    return result


@dataclass(frozen=True)
class _Search:
    """A cell's search: what it probes with, what it is asked, and what it has to reach."""

    runner: ProbeRunner
    search: SearchConfig
    question: Question
    full: FullResult

    def run(self) -> tuple[Verdict, Mapping[Probe, Record]]:
        """Probe until the verdict; return it with the records that it rests on."""
        if early := no_search(self.full, self.search, self.question):
            return Verdict(*early), {}
        strategy = PROTOCOLS[self.search.protocol](self.question, self.search.efficient)
        _LOG.info("a search of at most %d probes", strategy.search.most_probes())
        return drive(strategy, self._train)

    def _train(self, probe: Probe, stop: Stop) -> Record:
        known = self.runner.known(probe, stop)
        if known is not None:
            return known
        _LOG.info("probe at d = %d, learning rate %g", probe.d, probe.learning_rate)
        record = self.runner.run(probe, stop)
        _LOG.info(
            "  metric %.4f after %d epochs, target %.4f: %s",
            record.metric, len(record.curve), self.question.target, record.ended.reason,
        )  # fmt: skip
        return record

    def result(self, verdict: Verdict, records: list[Record]) -> SearchResult:
        """All that is reported of the search."""
        search, question, full, cell = self.search, self.question, self.full, self.runner.cell
        subspace = self.runner.subspace
        low, high = self._interval(verdict, records)
        found = SearchResult(
            model=full.model,
            task=full.task,
            step=full.step,
            metric=full.metric,
            chance=full.chance,
            full_metric=full.full_metric,
            method=subspace.method,
            projection=subspace.projection,
            normalisation=subspace.normalisation,
            fraction=search.fraction,
            target_kind=search.target,
            protocol=search.protocol,
            deviations=(
                *self.full.deviations,
                *deviations(self.runner.training, self.runner.finetune, len(cell.data.train)),
            ),
            target=target_of(full, search),
            d_min=question.grid[0],
            d_max=question.grid[-1],
            layers=self.runner.layers(),
            status=verdict.status,
            reason=verdict.reason,
            probes=len(records),
            cost=cost_of(records),
            inputs=cell.inputs,
            d90=verdict.d90,
            lower=verdict.lower,
            d90_low=low,
            d90_high=high,
            violations=unordered(question, records),
            fractions=other_fractions(search, question, verdict, records, full),
        )
        won = next((record for record in records if record.probe == verdict.winner), None)
        return _won(found, won) if won else found

    def _interval(self, verdict: Verdict, records: list[Record]) -> tuple[int | None, int | None]:
        if self.full.full_metric is None or not records:
            return None, None
        data, fraction = self.runner.cell.data, self.search.fraction
        noise = answers_noise(
            records,
            self.question,
            kind=data.kind,
            targets=data.eval.labels,
            full=self.full.answers,
            fraction=fraction,
        )
        return interval(self.question, verdict, records, self.full.full_metric, noise)


def _won(found: SearchResult, won: Record) -> SearchResult:
    """The result with what there is to say of the training at d₉₀."""
    return replace(
        found,
        seed=won.probe.seed,
        learning_rate=won.probe.learning_rate,
        best_epoch=won.best_epoch,
        eval_metric=won.metric,
        train_metric=won.train_metric,
    )


def _trial(record: Record, question: Question) -> Json:
    """A line of ``trials.jsonl``: the record, and what the search made of it."""
    return {
        **record.row(),
        "metric": record.metric,
        "epochs_run": len(record.curve),
        "reached": record.reached(question.target),
        "proven": record.proven(question.target, question.target_error),
    }
