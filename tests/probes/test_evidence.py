"""What finished probes say beyond the verdict, from rows as the journal has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.dimension.efficient import EfficientConfig
from pipeline.dimension.grid import GridConfig
from pipeline.dimension.question import Question
from pipeline.dimension.search import Probe, Verdict
from pipeline.dimension.status import Status
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SaidConfig
from pipeline.probes.evidence import deviations, other_fractions, uncertainty
from pipeline.probes.probe import ProbeTraining
from pipeline.tasks.examples import pack

ROWS = 400
QUESTION = Question((10, 20, 40, 80), 0.72, (1e-2,), epochs=4, rows=ROWS, majority=0.5)
BASELINE = {"full_metric": 0.8, "majority": 0.5, "correct": None}
CONFIG = SaidConfig(GridConfig(10, 80, 2.0))


def row(d: int, curve: list[float], complete: bool = True, seed: int = 0) -> dict:
    metric = max(curve)
    correct = np.arange(ROWS) < round(metric * ROWS)
    status = "reached" if metric >= 0.72 else "missed"
    return {
        "d": d, "seed": seed, "learning_rate": 1e-2, "curve": curve, "metric": metric,
        "complete": complete, "status": status, "correct": pack(correct),
    }  # fmt: skip


ROWS_SEEN = [
    row(10, [0.52, 0.55, 0.56, 0.57]),
    row(20, [0.55, 0.61, 0.64, 0.65]),
    row(40, [0.60, 0.66, 0.70, 0.75]),
    row(80, [0.65, 0.73, 0.77, 0.78]),
]
FOUND = Verdict(Status.OK, "", 40, 20, Probe(40, 0, 1e-2), ())
ABOVE = Verdict(Status.NOT_REACHED, "too small", None, 80, None, ())


def test_the_interval_holds_the_verdict_and_is_open_outside_the_grid():
    found = uncertainty(QUESTION, FOUND, ROWS_SEEN, BASELINE, 0.9)
    assert 10 <= found["d90_low"] <= 40 <= found["d90_high"] <= 80
    assert found["violations"] == []
    wide = replace(QUESTION, rows=20)
    rows = [{**one, "correct": None} for one in ROWS_SEEN]
    assert uncertainty(wide, FOUND, rows, BASELINE, 0.9)["d90_low"] is None


def test_a_censored_search_has_a_lower_bound_only():
    missed = [row(80, [0.55, 0.58, 0.60, 0.60]), row(40, [0.52, 0.53, 0.55, 0.55])]
    found = uncertainty(QUESTION, ABOVE, missed, BASELINE, 0.9)
    assert 40 < found["d90_low"] <= 80 and found["d90_high"] is None


def test_a_cell_without_a_search_has_no_interval():
    none = Verdict(Status.BASELINE_AT_CHANCE, "no", None, None, None, ())
    expected = {"d90_low": None, "d90_high": None, "violations": []}
    assert uncertainty(QUESTION, none, [], BASELINE, 0.9) == expected
    assert other_fractions(CONFIG, QUESTION, none, [], BASELINE) == {}


def test_a_larger_dimension_that_missed_is_reported():
    rows = [*ROWS_SEEN[:3], row(80, [0.6, 0.65, 0.7, 0.7])]
    assert uncertainty(QUESTION, FOUND, rows, BASELINE, 0.9)["violations"] == [[40, 80]]


def test_examples_that_all_models_share_make_the_interval_narrower():
    # So few examples that their noise is larger than what seeds may do; nested sets of right ones.
    few = 40
    metrics = {10: 0.525, 20: 0.65, 40: 0.725, 80: 0.775}
    seen = [
        {**row(d, 4 * [metric]), "correct": pack(np.arange(few) < round(metric * few))}
        for d, metric in metrics.items()
    ]
    alone = [{**one, "correct": None} for one in seen]
    full = {**BASELINE, "correct": pack(np.arange(few) < 32)}
    question = replace(QUESTION, grid=(1, 10, 20, 40, 80, 10**6), rows=few)
    paired, apart = (uncertainty(question, FOUND, rows, full, 0.9) for rows in (seen, alone))
    assert apart["d90_high"] > paired["d90_high"] and apart["d90_low"] <= paired["d90_low"]


def test_other_fractions_come_from_the_same_probes():
    found = other_fractions(CONFIG, QUESTION, FOUND, ROWS_SEEN, BASELINE)
    # 0.75, 0.9 and 0.95 of 0.8 are 0.6, 0.72 and 0.76.
    assert {name: one["d"] for name, one in found.items()} == {"0.75": 20, "0.9": 40, "0.95": 80}


def test_a_fraction_below_the_majority_class_has_no_dimension():
    config = replace(CONFIG, fractions=(0.6,))
    found = other_fractions(config, QUESTION, FOUND, ROWS_SEEN, BASELINE)["0.6"]
    assert found["d"] is None and "majority" in found["reason"]


def test_a_fraction_that_probes_ended_too_early_for_has_a_reason():
    rows = [*ROWS_SEEN[:2], row(40, [0.60, 0.74], complete=False)]
    found = other_fractions(CONFIG, QUESTION, FOUND, rows, BASELINE)["0.95"]
    assert found["d"] is None and found["lower"] == 20 and "no probe went on" in found["reason"]


@pytest.mark.parametrize(("cap", "said"), [(None, []), (400, []), (30, ["30 of 400 updates"])])
def test_capped_updates_are_a_deviation(cap, said):
    config = replace(CONFIG, efficient=EfficientConfig(max_steps=cap))
    finetune = FinetuneConfig(epochs=4, batch=16)
    found = deviations(config, ProbeTraining(max_steps=cap), finetune, 1600)
    assert len(found) == len(said) and all(
        word in text for word, text in zip(said, found, strict=True)
    )
