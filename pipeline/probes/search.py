"""The search for a cell's d₉₀: probes in random subspaces until the search has its verdict."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.artifacts import atomic_file, write_json, write_jsonl
from pipeline.dimension.grid import grid_values
from pipeline.dimension.protocols import PROTOCOLS, Strategy
from pipeline.dimension.question import Near, Question
from pipeline.dimension.search import Outcome, Probe, Verdict
from pipeline.dimension.status import Status, precheck, reaches, target_metric
from pipeline.dimension.stopping import proven
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SaidConfig
from pipeline.probes.evidence import deviations, other_fractions, uncertainty
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.probes.sampling import SampledEvaluation
from pipeline.subspace.config import SubspaceConfig

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SaidSearch:
    """A cell's search: what it asks, how it goes about it, and what it probes with."""

    runner: ProbeRunner
    question: Question
    strategy: Strategy

    def run(self) -> tuple[Verdict, list[dict[str, Any]]]:
        """Probe until the verdict; return it with the rows of the probes that it rests on."""
        search = self.strategy.search
        rows: dict[Probe, dict[str, Any]] = {}
        while True:
            outcomes = {probe: _outcome(row) for probe, row in rows.items()}
            answer = search.next(outcomes)
            if isinstance(answer, Verdict):
                return answer, [rows[probe] for probe in answer.probes]
            stop = self.strategy.rule(answer, outcomes)
            fresh = self.runner.known(answer, stop) is None
            if fresh:
                _LOG.info(
                    "probe %d of at most %d: d = %d, learning rate %g",
                    len(rows) + 1, search.most_probes(), answer.d, answer.learning_rate,
                )  # fmt: skip
            rows[answer] = row = self._judged(self.runner.run(answer, stop))
            if fresh:
                _LOG.info(
                    "  accuracy %.4f after %d epochs, target %.4f: %s",
                    row["metric"], row["epochs_run"], self.question.target, row["status"],
                )  # fmt: skip

    def _judged(self, row: dict[str, Any]) -> dict[str, Any]:
        target = self.question.target
        if row["curve"] and reaches(row["metric"], target):
            status = "reached"
        elif row["diverged"]:
            status = "diverged"
        else:
            status = "missed" if row["complete"] else "stopped"
        sure = status != "reached" or proven(row["curve"], target, self.question.error())
        return {**row, "status": status, "proven": sure}


def _outcome(row: dict[str, Any]) -> Outcome:
    diverged = row["status"] == "diverged"
    return Outcome(row["metric"], diverged, row["proven"], tuple(row["curve"]))


def probe_training(config: SaidConfig, target: float, seed: int) -> ProbeTraining:
    """How a cell's probes train: only the efficient protocol caps or samples anything."""
    if config.protocol != "efficient":
        return ProbeTraining(config.epochs, config.optimizer)
    rows = config.efficient.eval_rows
    sampled = None if rows is None else SampledEvaluation(rows, target, seed)
    return ProbeTraining(config.epochs, config.optimizer, config.efficient.max_steps, sampled)


def measure_said(
    cell: Cell,
    config: SaidConfig,
    subspace: SubspaceConfig,
    finetune: FinetuneConfig,
    baseline: dict[str, Any],
    near: dict[str, Any] | None,
    scratch: Path,
    out: Path,
) -> dict[str, Any]:
    """Search the cell's d₉₀ and write ``result.json`` and ``trials.jsonl`` to ``out``.

    ``near`` is what a neighbouring checkpoint's search found, None where there is none. With status
    ``ok`` the d numbers at d₉₀ go to ``task.safetensors``. A cell that needs no search (METHOD §2)
    has no trials.
    """
    full, majority = baseline["full_metric"], baseline["majority"]
    target = None if full is None else target_metric(full, majority, config.fraction, config.target)
    training = probe_training(config, target or 0.0, cell.seed)
    runner = ProbeRunner(cell, subspace, finetune, training, scratch)
    question = Question(
        grid_values(config.grid, runner.layers(), cell.flat.size),
        target or 0.0,
        config.learning_rates,
        config.seeds,
        training.epochs or finetune.epochs,
        len(cell.data.eval),
        majority,
        Near.of(near),
        subspace.rate_slope(),
    )
    early = (
        (Status(baseline["status"]), "full fine-tuning: " + baseline["reason"])
        if target is None
        else precheck(full, majority, target, config.margin, len(cell.data.eval))
    )
    rows: list[dict[str, Any]] = []
    if early is not None:
        verdict = Verdict(early[0], early[1], None, None, None, ())
    else:
        strategy = PROTOCOLS[config.protocol](question, config.efficient)
        verdict, rows = SaidSearch(runner, question, strategy).run()
    won = next(
        (row for row, at in zip(rows, verdict.probes, strict=True) if at == verdict.winner), {}
    )
    result = {
        **{key: baseline[key] for key in ("checkpoint", "task", "step", "full_metric", "majority")},
        "method": subspace.method,
        "projection": subspace.projection,
        "normalisation": subspace.normalisation,
        "fraction": config.fraction,
        "target_kind": config.target,
        "protocol": config.protocol,
        "deviations": deviations(config, training, finetune, len(cell.data.train)),
        "inputs": cell.inputs,
        "target": target,
        "d_min": question.grid[0],
        "d_max": question.grid[-1],
        "layers": runner.layers(),
        "status": verdict.status,
        "reason": verdict.reason,
        "d90": verdict.d90,
        "lower": verdict.lower,
        **uncertainty(question, verdict, rows, baseline, config.fraction),
        "fractions": other_fractions(config, question, verdict, rows, baseline),
        "probes": len(rows),
        "cost": cell.cost(rows),
        "seed": won.get("seed"),
        "learning_rate": won.get("learning_rate"),
        "best_epoch": won.get("best_epoch"),
        "acc_eval": won.get("metric"),
        "acc_train": won.get("acc_train"),
    }
    if verdict.winner is not None:
        content = runner.vector_path(won).read_bytes()
        with atomic_file(out / "task.safetensors") as temporary:
            temporary.write_bytes(content)
    write_jsonl(out / "trials.jsonl", rows)
    write_json(out / "result.json", result)
    return result
