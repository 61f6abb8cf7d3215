"""What finished probes say beyond the verdict, from their records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.common.status import SearchEnd, Status
from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.estimate import estimate_d90
from pipeline.dimension.grid import GridConfig
from pipeline.dimension.noise import Noise
from pipeline.dimension.question import Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.verdict import Verdict
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import Cost, FullResult
from pipeline.probes.asking import cell_question
from pipeline.probes.config import SearchConfig
from pipeline.probes.evidence import answers_noise, deviations, other_fractions, unordered
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.subspace.config import SubspaceConfig
from pipeline.tasks.kinds.packing import pack_bits, unpack_bits
from tests.worlds import FINETUNE, open_cell

ROWS = 400


def question(rows: int = ROWS) -> Question:
    return Question(
        (10, 20, 40, 80), 0.72, Rates((1e-2,)), full=0.8, evaluations=4, chance=0.5,
        chance_error=binomial_error(0.5, rows), target_error=binomial_error(0.72, rows),
    )  # fmt: skip


QUESTION = question()
FULL = FullResult(
    "s0", "easy", 0, "accuracy", 0.5, 0.025, Status.OK, "", 1000, Cost(1, 1, 1.0), {},
    full_metric=0.8,
)  # fmt: skip
CONFIG = SearchConfig(GridConfig(10, 80, 2.0))


def record(d: int, curve: list[float], ended: Ending = Ending.COMPLETE) -> Record:
    correct = np.arange(ROWS) < round(max(curve) * ROWS)
    return Record(Probe(d, 0, 1e-2), tuple(curve), ended, answers=pack_bits(correct))


ROWS_SEEN = [
    record(10, [0.52, 0.55, 0.56, 0.57]),
    record(20, [0.55, 0.61, 0.64, 0.65]),
    record(40, [0.60, 0.66, 0.70, 0.75]),
    record(80, [0.65, 0.73, 0.77, 0.78]),
]
FOUND = Verdict(SearchEnd.SETTLED, 40, 20, Probe(40, 0, 1e-2), ())


def test_a_cell_without_a_search_has_no_interval():
    none = Verdict(SearchEnd.SETTLED)
    assert unordered(QUESTION, []) == ()
    assert other_fractions(CONFIG, QUESTION, none, [], FULL) == {}


def test_a_larger_dimension_that_missed_is_reported():
    records = [*ROWS_SEEN[:3], record(80, [0.6, 0.65, 0.7, 0.7])]
    assert unordered(QUESTION, records) == ((40, 80),)


def test_other_fractions_come_from_the_same_probes():
    found = other_fractions(CONFIG, QUESTION, FOUND, ROWS_SEEN, FULL)
    # 0.75, 0.9 and 0.95 of 0.8 are 0.6, 0.72 and 0.76.
    assert {name: one.d for name, one in found.items()} == {"0.75": 20, "0.9": 40, "0.95": 80}


def test_a_fraction_at_chance_has_no_dimension():
    config = replace(CONFIG, fractions=(0.6,))
    found = other_fractions(config, QUESTION, FOUND, ROWS_SEEN, FULL)["0.6"]
    assert found.d is None and "chance" in found.reason


def test_a_fraction_that_probes_ended_too_early_for_has_a_reason():
    rows = [*ROWS_SEEN[:2], record(40, [0.60, 0.74], Ending.REACHED)]
    found = other_fractions(CONFIG, QUESTION, FOUND, rows, FULL)["0.95"]
    assert found.d is None and found.lower == 20 and "no probe went on" in found.reason


@pytest.mark.parametrize(("cap", "said"), [(None, []), (400, []), (30, ["30 of 400 updates"])])
def test_capped_updates_are_a_deviation(cap, said):
    finetune = FinetuneConfig(epochs=4, batch=16)
    found = deviations(ProbeTraining(max_steps=cap), finetune, 1600, "paper", narrow=False)
    assert len(found) == len(said) and all(
        word in text for word, text in zip(said, found, strict=True)
    )


def test_rounded_weights_are_a_deviation():
    (found,) = deviations(ProbeTraining(), FinetuneConfig(), 1600, "paper", narrow=True)
    assert "weights in bfloat16" in found and "finetune.precision" in found


def test_answers_measure_the_noise_that_the_evaluation_set_only_bounds(
    world: Path, tmp_path: Path
) -> None:
    """Two whole trainings with answers say how much of the noise is a training's own."""
    config = SearchConfig(GridConfig(8, 2048, 4.0), fraction=0.7, rates=(0.35,), epochs=3)
    cell = open_cell(world, "polarity_short")
    full = fine_tune_fully(cell, FINETUNE, tmp_path / "full", tmp_path / "out")
    question = cell_question(
        cell, search=config, subspace=SubspaceConfig(), finetune=FINETUNE, full=full, neighbour=None
    )
    runner = ProbeRunner(
        cell, SubspaceConfig(), FINETUNE, ProbeTraining(epochs=3), tmp_path / "probes"
    )
    rate = question.rates.at(512)[0]
    records = [runner.run(Probe(512, seed, rate)) for seed in (0, 1)]
    assert all(record.whole and record.answers for record in records)
    data = cell.data
    asked = {"kind": data.kind, "targets": data.eval.labels, "fraction": config.fraction}

    def noise(used: list[Record], answers: str | None = full.answers) -> Noise:
        return answers_noise(used, question, full=answers, **asked)

    assert noise(records[:1]) == noise(records, answers=None) == question.noise
    found, rows = noise(records), len(data.eval)
    assert found != question.noise and found.own > 0
    right = np.array([unpack_bits(one.answers, rows) for one in records], float)
    gaps = right - config.fraction * unpack_bits(full.answers, rows)
    total = np.var(gaps, axis=1, ddof=1).mean() / rows
    # No more than the whole variance of such a gap is shared out between the two.
    assert found.own**2 + found.shared**2 - question.full_error**2 == pytest.approx(total)
    assert estimate_d90(question, records, found) != estimate_d90(question, records, question.noise)
