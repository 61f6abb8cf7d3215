"""What a cell's finished probes say beyond the verdict: noise, violations, other fractions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from pipeline.common.target import reaches, target_metric
from pipeline.dimension.fractions import read
from pipeline.dimension.monotone import violations
from pipeline.dimension.noise import Noise, answered_noise
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record
from pipeline.dimension.stopping import StopRule
from pipeline.dimension.verdict import Verdict
from pipeline.dimension.votes import most
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import FullResult
from pipeline.probes.config import SearchConfig
from pipeline.probes.probe import ProbeTraining
from pipeline.probes.result import FractionResult
from pipeline.tasks import TaskKind

# A seed's trainings at a d, by d and seed.
_ByDimension = dict[int, dict[int, list[Record]]]


def deviations(
    training: ProbeTraining,
    finetune: FinetuneConfig,
    examples: int,
    protocol: str,
    *,
    narrow: bool,
) -> tuple[str, ...]:
    """Where the cell's probes are not those that d₉₀ is defined by, in words for every output.

    ``narrow``: whether the cell's weights are held in bfloat16.
    """
    epochs = training.epochs or finetune.epochs
    whole = math.ceil(examples / finetune.batch) * epochs
    said = []
    if narrow:
        said.append(
            "probes hold the weights in bfloat16, from a start rounded to it (finetune.precision)"
        )
    if training.max_steps is not None and training.max_steps < whole:
        said.append(
            f"probes take {training.max_steps} of {whole} updates (search.efficient.max_steps)"
        )
    if protocol == "efficient":
        said.append("probes end when they have reached or hardly can, and not every rate is tried")
    if training.evaluations not in (None, epochs):
        said.append(f"probes are evaluated {training.evaluations} times in {epochs} epochs")
    if training.sampled is not None:
        said.append("metrics clearly below the target are those of a sample of the examples")
    return tuple(said)


def answers_noise(
    records: Iterable[Record],
    question: Question,
    *,
    kind: TaskKind,
    targets: np.ndarray,
    full: str | None,
    fraction: float,
) -> Noise:
    """Evaluation noise from the answers of probes and, in ``full``, of full fine-tuning.

    ``targets`` (n,) are what the evaluation examples should be answered with.
    """
    packed = [record.answers for record in records if record.answers is not None]
    if full is None or len(packed) < 2:
        return question.noise
    gaps = kind.gaps(packed, full, fraction, targets)
    return (
        question.noise if gaps is None else answered_noise(gaps, len(targets), question.full_error)
    )


def unordered(question: Question, records: Iterable[Record]) -> tuple[tuple[int, int], ...]:
    """Pairs (d, d′), d < d′, where d reached and d′ missed, by the seeds that were tried."""
    reached = {
        d: most(_passed(seeds, question.target), len(seeds)) for d, seeds in _by_d(records).items()
    }
    return tuple(violations(reached))


def other_fractions(
    search: SearchConfig,
    question: Question,
    verdict: Verdict,
    records: Sequence[Record],
    full: FullResult,
) -> dict[str, FractionResult]:
    """For each of the fractions the smallest d, or the reason that the probes do not tell."""
    if not records or full.full_metric is None:
        return {}
    found = {}
    for fraction in search.fractions:
        target = target_metric(full.full_metric, full.chance, fraction, search.target)
        if fraction == search.fraction:
            d90, lower = verdict.d90_paper, verdict.lower
            result = FractionResult(d90, lower, d90, "" if d90 else _undetermined(verdict))
        elif reaches(full.chance, target):
            reason = f"the target {target:.4f} is no more than what chance gives, {full.chance:.4f}"
            result = FractionResult(None, None, None, reason)
        else:
            rule = StopRule(replace(question, target=target))
            result = _reading(question.grid, records, target, rule)
        found[f"{fraction:g}"] = result
    return found


def _undetermined(verdict: Verdict) -> str:
    if verdict.lower is not None:
        return f"d = {verdict.lower}, the largest of the grid, misses"
    return "the trainings do not determine it"


def _reading(
    grid: Sequence[int], records: Iterable[Record], target: float, rule: StopRule
) -> FractionResult:
    known = {d: _decided(seeds, target, rule) for d, seeds in _by_d(records).items()}
    reading = read(grid, known)
    return FractionResult(reading.d, reading.lower, reading.upper, reading.reason)


def _by_d(records: Iterable[Record]) -> _ByDimension:
    grouped: _ByDimension = defaultdict(lambda: defaultdict(list))
    for record in records:
        grouped[record.probe.d][record.probe.seed].append(record)
    return {d: dict(grouped[d]) for d in sorted(grouped)}


def _passed(seeds: dict[int, list[Record]], target: float) -> int:
    """How many seeds reached."""
    return sum(any(record.reached(target) for record in own) for own in seeds.values())


def _decided(seeds: dict[int, list[Record]], target: float, rule: StopRule) -> bool | None:
    """Whether a d reaches another target: None where a training ended before it could tell."""
    if most(_passed(seeds, target), len(seeds)):
        return True
    told = (record.whole or _ends(record, rule) for own in seeds.values() for record in own)
    return False if all(told) else None


def _ends(record: Record, rule: StopRule) -> bool:
    """Whether a rule would have ended a training within the epochs that it had."""
    return any(rule(record.curve[:done]) for done in range(1, len(record.curve) + 1))
