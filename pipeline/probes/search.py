"""The search for a cell's d₉₀: probes in random subspaces until the search has its verdict."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from pipeline.common.artifacts import Json, atomic_file, sha256
from pipeline.common.sealed import write_jsonl
from pipeline.dimension.ahead import sure
from pipeline.dimension.curve import curve_points
from pipeline.dimension.driver import drive
from pipeline.dimension.estimate import Estimate, estimate_d90
from pipeline.dimension.noise import Noise
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
from pipeline.probes.evidence import answers_noise, deviations, other_fractions, unordered
from pipeline.probes.helpers import Helpers
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
    helpers: Helpers | None = None,
) -> SearchResult:
    """Search the cell's d₉₀; write ``result.json``, ``answer.json``, ``trials.jsonl``.

    What they say of every d of the grid goes to ``curve.jsonl``, the d numbers of the search's best
    training (`Verdict.winner`) to ``task.safetensors``. A cell that needs no search (method §2) has
    no trials and no curve.

    Args:
        cell: what is searched.
        search: what d₉₀ is, and how it is searched for.
        subspace: where probes train.
        finetune: the task's recipe.
        full: full fine-tuning of the cell, which sets the target.
        neighbour: what the search of a neighbouring checkpoint found; None where there is none.
        scratch: where finished probes are kept, so that an interrupted search goes on.
        out: where the results go.
        helpers: processes that train probes which are asked for in any case; they change no result.

    Raises:
        UserError: the grid does not fit the model.
    """
    question = cell_question(
        cell, search=search, subspace=subspace, finetune=finetune, full=full, neighbour=neighbour
    )
    training = probe_training(search, finetune, question, cell)
    runner = ProbeRunner(cell, subspace, finetune, training, scratch)
    asked = Search(runner, search, question, full, helpers)
    if early := no_search(full, search):
        result = replace(asked.described({}), status=early[0], reason=early[1])
        return _written(result, Neighbour(result.model, result.task, result.status), out, [], [])
    verdict, records = asked.run()
    noise = asked.noise(records)
    estimate = estimate_d90(question, records.values(), noise)
    won = records[verdict.winner] if verdict.winner else None
    result = asked.found(verdict, records, estimate, won)
    if won is not None:
        content = runner.vector_path(won).read_bytes()
        with atomic_file(out / "task.safetensors") as temporary:
            temporary.write_bytes(content)
    rate = asked.decades(won) if won else None
    answer = Neighbour(result.model, result.task, result.status, result.d90, rate, estimate.habits)
    trials = [_trial(one, question) for one in records.values()]
    curve = [point.row() for point in curve_points(question, records.values(), noise)]
    return _written(result, answer, out, trials, curve)


@dataclass(frozen=True)
class Search:
    """A cell's search: what it probes with, what it is asked, and what it has to reach."""

    runner: ProbeRunner
    search: SearchConfig
    question: Question
    full: FullResult
    helpers: Helpers | None = None

    def result(self) -> SearchResult:
        """Probe until the verdict, and what it comes to, without the training that is kept."""
        verdict, records = self.run()
        estimate = estimate_d90(self.question, records.values(), self.noise(records))
        return self.found(verdict, records, estimate, None)

    def run(self) -> tuple[Verdict, dict[Probe, Record]]:
        """Probe until the verdict; return it with the records that it rests on."""
        strategy = PROTOCOLS[self.search.protocol](self.question, self.search.efficient)
        if self.helpers is None:
            return drive(strategy, self._train)
        if self.search.protocol == "efficient":
            _LOG.info("probes train one after another: each is asked for by what came of others")
        with self.helpers.training(self.runner) as together:

            def announce(probe: Probe, records: Mapping[Probe, Record]) -> None:
                together.bring(sure(strategy, self.question, records, probe))

            return drive(strategy, self._train, announce)

    def _train(self, probe: Probe, stop: Stop) -> Record:
        known = self.runner.known(probe, stop)
        if known is not None:
            return known
        _LOG.info("probe at d = %d, learning rate %g", probe.d, probe.learning_rate)
        record = self.runner.run(probe, stop)
        _LOG.info(
            "  metric %.4f after %d of %d evaluations, target %.4f: %s",
            record.metric, len(record.curve), self.question.evaluations, self.question.target,
            record.ended.reason,
        )  # fmt: skip
        return record

    def noise(self, records: Mapping[Probe, Record]) -> Noise:
        """The evaluation noise that the trainings' answers show."""
        data = self.runner.cell.data
        return answers_noise(
            records.values(),
            self.question,
            kind=data.kind,
            targets=data.eval.labels,
            full=self.full.answers,
            fraction=self.search.fraction,
        )

    def described(self, records: Mapping[Probe, Record]) -> SearchResult:
        """What was asked, of what, and what it cost."""
        search, question, full, runner = self.search, self.question, self.full, self.runner
        trained = deviations(
            runner.training, runner.finetune, len(runner.cell.data.train), search.protocol,
            narrow=runner.cell.flat.values.dtype == torch.bfloat16,
        )  # fmt: skip
        return SearchResult(
            model=full.model,
            task=full.task,
            step=full.step,
            metric=full.metric,
            chance=full.chance,
            full_metric=full.full_metric,
            method=runner.subspace.method,
            projection=runner.subspace.projection,
            normalisation=runner.subspace.normalisation,
            fraction=search.fraction,
            target_kind=search.target,
            protocol=search.protocol,
            deviations=trained,
            target=target_of(full, search),
            d_min=question.grid[0],
            d_max=question.grid[-1],
            layers=runner.layers(),
            status=full.status,
            reason=full.reason,
            probes=len(records),
            cost=cost_of(list(records.values())),
            inputs=runner.cell.inputs,
            threads=runner.cell.threads,
        )

    def found(
        self,
        verdict: Verdict,
        records: Mapping[Probe, Record],
        estimate: Estimate,
        won: Record | None,
    ) -> SearchResult:
        """The search's result, with what there is to say of the training that is kept."""
        question, known = self.question, list(records.values())
        low, d90, high = estimate.within(question.grid)
        found = replace(
            self.described(records),
            status=estimate.status,
            reason=estimate.reason,
            d90=d90,
            d90_low=low,
            d90_high=high,
            d90_above=estimate.above,
            d90_paper=verdict.d90_paper,
            lower=verdict.lower,
            ended=verdict.ended,
            monotone=estimate.monotone,
            target_error=question.noise.shared,
            violations=unordered(question, known),
            fractions=other_fractions(self.search, question, verdict, known, self.full),
        )
        if won is None:
            return found
        return replace(
            found,
            task_d=won.probe.d,
            seed=won.probe.seed,
            learning_rate=won.probe.learning_rate,
            rate=question.rates.multiple(won.probe.d, won.probe.learning_rate),
            best_epoch=won.best_epoch,
            eval_metric=won.metric,
            train_metric=won.train_metric,
        )

    def decades(self, record: Record) -> float:
        """Where a training's learning rate lies."""
        return self.question.rates.decades(record.probe.d, record.probe.learning_rate)


def _written(
    result: SearchResult, answer: Neighbour, out: Path, trials: list[Json], curve: list[Json]
) -> SearchResult:
    """Write what the search leaves beside the d numbers."""
    whose = (result.model, result.task)
    write_jsonl(out / "trials.jsonl", trials, whose)
    write_jsonl(out / "curve.jsonl", curve, whose)
    result = replace(result, trials_sha256=sha256(out / "trials.jsonl"))
    answer.write(out / "answer.json")
    result.write(out / "result.json")
    return result


def _trial(record: Record, question: Question) -> Json:
    """A line of ``trials.jsonl``: the record, and what the search made of it."""
    return {
        **record.row(),
        "metric": record.metric,
        "epochs_run": len(record.curve),
        "reached": record.reached(question.target),
    }
