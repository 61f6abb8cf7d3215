"""What a cell's finished probes say beyond the verdict: interval, violations, other fractions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.common.status import Status
from pipeline.dimension.fractions import read
from pipeline.dimension.interval import Noise, d90_interval, evaluation_noise
from pipeline.dimension.monotone import violations
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record
from pipeline.dimension.status import reaches, target_metric
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


def deviations(training: ProbeTraining, finetune: FinetuneConfig, examples: int) -> tuple[str, ...]:
    """Where the cell's probes are not those that d₉₀ is defined by, in words for every output."""
    whole = math.ceil(examples / finetune.batch) * (training.epochs or finetune.epochs)
    if training.max_steps is None or training.max_steps >= whole:
        return ()
    return (f"probes take {training.max_steps} of {whole} updates (search.efficient.max_steps)",)


def interval(
    question: Question, verdict: Verdict, records: Sequence[Record], full: float, noise: Noise
) -> tuple[int | None, int | None]:
    """The 95 % interval of d₉₀; a bound beyond the grid is None.

    So is the upper one where d₉₀ was not reached.
    """
    if verdict.status not in (Status.OK, Status.NOT_REACHED):
        return None, None
    low, high = d90_interval(question, records, full, noise, verdict.d90)
    return math.floor(low) if low > 0 else None, math.ceil(high) if high < math.inf else None


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
    gaps = None
    if full is not None and len(packed) > 1:
        gaps = kind.gaps(packed, full, fraction, targets)
    return evaluation_noise(gaps, question.target_error, fraction, len(targets))


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
            result = FractionResult(verdict.d90, verdict.lower, verdict.d90, verdict.reason)
        elif reaches(full.chance, target):
            reason = f"the target {target:.4f} is no more than what chance gives, {full.chance:.4f}"
            result = FractionResult(None, None, None, reason)
        else:
            rule = search.efficient.rule(question, target)
            result = _reading(question.grid, records, target, rule)
        found[f"{fraction:g}"] = result
    return found


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
