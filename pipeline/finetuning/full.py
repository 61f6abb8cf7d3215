"""The full fine-tuning of a cell: a sweep of learning rates, the best epoch of the best rate."""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.common.artifacts import Journal, fingerprint, write_json, write_jsonl
from pipeline.dimension.status import Status
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import EpochScore, fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.tasks.examples import pack
from pipeline.training.parameters import Full

_LOG = logging.getLogger(__name__)


def measure_baseline(
    cell: Cell, config: FinetuneConfig, scratch: Path, out: Path
) -> dict[str, Any]:
    """Fine-tune with every learning rate and write ``result.json`` and ``epochs.jsonl`` to ``out``.

    Each finished run goes to a journal in ``scratch`` first, so that an interrupted sweep repeats
    only the run that it was in.
    """
    journal = Journal(scratch / "runs.jsonl")
    known = {row["identity"]: row for row in journal.read()}
    runs = []
    for number, rate in enumerate(config.learning_rates, start=1):
        recipe = Recipe(
            config.epochs,
            config.batch,
            rate,
            config.warmup_fraction,
            config.optimizer,
            config.train_eval_rows,
        )
        identity = fingerprint(
            [cell.inputs, cell.seed, config.dropout, config.precision, asdict(recipe)]
        )
        if identity not in known:
            _LOG.info(
                "full fine-tuning %d of %d, learning rate %g",
                number,
                len(config.learning_rates),
                rate,
            )
            known[identity] = {"identity": identity, **_run(cell, recipe)}
            journal.append(known[identity])
        runs.append(known[identity])
    result = _result(cell, runs)
    write_jsonl(out / "epochs.jsonl", [row for run in runs for row in run["epochs"]])
    write_json(out / "result.json", result)
    return result


def _run(cell: Cell, recipe: Recipe) -> dict[str, Any]:
    cell.reset()
    data = cell.data
    run = fine_tune(
        cell.model, Full(cell.flat), data.train, data.eval, recipe, cell.seed, on_epoch=_report
    )
    return {
        "learning_rate": recipe.learning_rate,
        "diverged": run.diverged,
        "best": None if run.best is None else asdict(run.best),
        "acc_train": run.train_accuracy,
        "correct": None if run.correct is None else pack(run.correct),
        "tokens": run.tokens,
        "flop": cell.flop(run),
        "epochs": [
            {"learning_rate": recipe.learning_rate, **asdict(score)} for score in run.epochs
        ],
    }


def _report(score: EpochScore) -> None:
    _LOG.info("  epoch %d: loss %.3f, accuracy %.4f", score.epoch, score.loss, score.accuracy)


def _result(cell: Cell, runs: list[dict[str, Any]]) -> dict[str, Any]:
    finished = [run for run in runs if run["best"] is not None]
    majority = cell.data.manifest["majority"]
    result: dict[str, Any] = {
        "checkpoint": cell.checkpoint,
        "task": cell.task,
        "step": cell.step,
        "metric": "accuracy",
        "majority": majority,
        "parameters": cell.flat.size,
        "cost": cell.cost(runs),
        "inputs": cell.inputs,
    }
    if not finished:
        reason = "the loss became infinite in the first epoch with every learning rate"
        empty = (
            "learning_rate", "best_epoch", "full_metric", "acc_eval", "acc_train", "f1_eval",
            "correct",
        )  # fmt: skip
        return {**result, **dict.fromkeys(empty), "status": Status.DIVERGED, "reason": reason}
    best = max(finished, key=lambda run: run["best"]["accuracy"])
    full = best["best"]["accuracy"]
    above = full > majority
    return {
        **result,
        "status": Status.OK if above else Status.BASELINE_AT_CHANCE,
        "reason": "" if above else f"accuracy {full:.4f} is not above the majority class's",
        "learning_rate": best["learning_rate"],
        "best_epoch": best["best"]["epoch"],
        "full_metric": full,
        "acc_eval": full,
        "acc_train": best["acc_train"],
        "correct": best["correct"],
        "f1_eval": best["best"]["f1"] if cell.data.manifest["f1"] else None,
    }
