"""What a cell's finished probes say beyond the verdict: interval, violations, other fractions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.dimension.fractions import read
from pipeline.dimension.interval import Noise, d90_interval, evaluation_noise
from pipeline.dimension.monotone import violations
from pipeline.dimension.question import Question
from pipeline.dimension.search import Probe, Verdict
from pipeline.dimension.status import Status, reaches, target_metric
from pipeline.dimension.stopping import StopRule
from pipeline.dimension.witness import Training
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SaidConfig
from pipeline.probes.probe import ProbeTraining
from pipeline.tasks.examples import unpack

Row = dict[str, Any]


def deviations(
    config: SaidConfig, training: ProbeTraining, finetune: FinetuneConfig, rows: int
) -> list[str]:
    """Where the cell's probes are not those that d₉₀ is defined by, in words for every output."""
    whole = math.ceil(rows / finetune.batch) * (training.epochs or finetune.epochs)
    if training.max_steps is None or training.max_steps >= whole:
        return []
    return [f"probes take {training.max_steps} of {whole} updates (said.efficient.max_steps)"]


def uncertainty(
    question: Question, verdict: Verdict, rows: Sequence[Row], baseline: Row, fraction: float
) -> dict[str, Any]:
    """``d90_low`` and ``d90_high``, the 95 % interval, and ``violations`` of monotonicity.

    A bound beyond the grid is None, and so is the upper one where d₉₀ was not reached.
    """
    found: dict[str, Any] = {"d90_low": None, "d90_high": None}
    by_d = _by_d(rows)
    reached = {d: _reached(seeds, question) for d, seeds in by_d.items()}
    found["violations"] = [list(pair) for pair in violations(reached)]
    if verdict.status not in (Status.OK, Status.NOT_REACHED):
        return found
    trainings = [_training(row) for row in rows]
    noise = _noise(rows, question, baseline, fraction)
    low, high = d90_interval(question, trainings, baseline["full_metric"], noise, verdict.d90)
    if low > 0:
        found["d90_low"] = math.floor(low)
    if high < math.inf:
        found["d90_high"] = math.ceil(high)
    return found


def other_fractions(
    config: SaidConfig, question: Question, verdict: Verdict, rows: Sequence[Row], baseline: Row
) -> dict[str, Any]:
    """For each of ``said.fractions`` the smallest d, or the reason that the probes do not tell."""
    if not rows:
        return {}
    by_d = _by_d(rows)
    found: dict[str, Any] = {}
    for fraction in config.fractions:
        if fraction == config.fraction:
            found[f"{fraction:g}"] = {
                "d": verdict.d90, "lower": verdict.lower, "upper": verdict.d90,
                "reason": verdict.reason,
            }  # fmt: skip
            continue
        target = target_metric(
            baseline["full_metric"], baseline["majority"], fraction, config.target
        )
        if reaches(baseline["majority"], target):
            reason = f"the target {target:.4f} is no more than the majority class's accuracy"
            found[f"{fraction:g}"] = {"d": None, "lower": None, "upper": None, "reason": reason}
            continue
        rule = config.efficient.rule(question, target)
        known = {d: _decided(seeds, target, rule) for d, seeds in by_d.items()}
        reading = read(question.grid, known)
        found[f"{fraction:g}"] = {
            "d": reading.d, "lower": reading.lower, "upper": reading.upper,
            "reason": reading.reason,
        }  # fmt: skip
    return found


def _by_d(rows: Sequence[Row]) -> dict[int, dict[int, list[Row]]]:
    """Rows by d and seed."""
    grouped: dict[int, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        grouped[row["d"]][row["seed"]].append(row)
    return {d: dict(grouped[d]) for d in sorted(grouped)}


def _reached(seeds: dict[int, list[Row]], question: Question) -> bool:
    """Whether more than half of the seeds that were tried reached."""
    passed = sum(any(row["status"] == "reached" for row in own) for own in seeds.values())
    return 2 * passed > len(seeds)


def _decided(seeds: dict[int, list[Row]], target: float, rule: StopRule) -> bool | None:
    """Whether a d reaches another target: None where a training ended before it could tell."""
    passed = [any(reaches(_best(row), target) for row in own) for own in seeds.values()]
    if 2 * sum(passed) > len(seeds):
        return True
    told = [row["complete"] or _ends(row["curve"], rule) for own in seeds.values() for row in own]
    return False if all(told) else None


def _best(row: Row) -> float:
    """A probe's best accuracy; a training that broke down in its first epoch has none."""
    return max(row["curve"], default=0.0)


def _ends(curve: Sequence[float], rule: StopRule) -> bool:
    """Whether a rule would have ended a training within the epochs that it had."""
    return any(rule(curve[:done]) for done in range(1, len(curve) + 1))


def _training(row: Row) -> Training:
    probe = Probe(row["d"], row["seed"], row["learning_rate"])
    return Training(probe, row["curve"], row["complete"])


def _noise(rows: Sequence[Row], question: Question, baseline: Row, fraction: float) -> Noise:
    """Evaluation noise from the examples that probes and full fine-tuning had right."""
    packed = [row["correct"] for row in rows if row["correct"] is not None]
    gaps = None
    if len(packed) > 1 and baseline.get("correct") is not None:
        full = unpack(baseline["correct"], question.rows)
        gaps = np.stack([unpack(text, question.rows) - fraction * full for text in packed])
    return evaluation_noise(gaps, question.target, fraction, question.rows)
