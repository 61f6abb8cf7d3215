"""The simulated cells are what the benchmark of the search takes them for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS
from pipeline.dimension.record import Probe
from pipeline.estimate import simulate
from pipeline.estimate.simulate import (
    EPOCHS,
    PROFILES,
    RATES,
    SEEDS,
    Problem,
    answer,
    draw,
    epochs_of,
    expected_epochs,
)

GRID = grid_values(GridConfig(), 14, 125_000_000)


def cells(task: str = "sst2", count: int = 12) -> list[Problem]:
    return [draw(PROFILES[task], GRID, seed) for seed in range(count)]


def test_the_same_seed_is_the_same_cell():
    one, again, other = (draw(PROFILES["mrpc"], GRID, seed) for seed in (3, 3, 4))
    assert np.array_equal(one.curves, again.curves) and one.question == again.question
    assert one.truth != other.truth


def test_accuracy_crosses_the_target_at_the_truth():
    grid, above, below = np.array(GRID), [], []
    for cell in cells("mnli"):
        reached = cell.curves[:, 0].max((1, 2)) >= cell.question.target
        above += reached[grid > 2 * cell.truth].tolist()
        below += reached[grid < cell.truth / 2].tolist()
    assert np.mean(above) > 0.95 and np.mean(below) < 0.05


def test_the_best_rate_follows_the_power_of_d_that_the_question_names():
    moved = []
    for seed in range(16):
        cell = draw(PROFILES["mnli"], GRID, seed, slope=-0.5)
        assert cell.question.rates.best_power == -0.5
        best = cell.curves[:, 0].max(-1).argmax(1)
        moved.append(best[-1] - best[len(GRID) // 2])
    assert np.mean(moved) < -0.5


def test_accuracies_are_counts_of_examples():
    cell = cells()[0]
    counts = cell.curves * cell.rows
    assert np.allclose(counts, np.round(counts)) and cell.curves.shape == (
        len(GRID),
        SEEDS,
        4,
        EPOCHS,
    )


def test_the_papers_protocol_finds_the_truth_where_noise_is_small():
    off = []
    for cell in cells("mnli"):
        verdict, _ = answer(cell, PROTOCOLS["paper"](cell.question, EfficientConfig()))
        if verdict.d90_paper is not None and math.isfinite(cell.truth):
            off.append(abs(math.log(verdict.d90_paper / cell.truth)))
    assert np.median(off) < math.log(1.2)


def test_a_probe_ends_where_its_rule_says():
    cell = cells()[1]
    _, found = answer(cell, PROTOCOLS["efficient"](cell.question, EfficientConfig()))
    for probe, record in found.items():
        assert record.curve == cell.training(probe).curve[: len(record.curve)]
        assert record.whole == (len(record.curve) == EPOCHS)
    _, whole = answer(cell, PROTOCOLS["paper"](cell.question, EfficientConfig()))
    assert all(len(record.curve) == EPOCHS for record in whole.values())
    assert epochs_of(found.values()) < epochs_of(whole.values()) / 2


@pytest.mark.parametrize("seed", [0, 1])
def test_curves_differ_by_seed_and_rate(seed):
    cell = cells()[2]
    probes = [Probe(GRID[30], seed, rate) for rate in RATES]
    assert len({cell.training(probe).curve for probe in probes}) == len(RATES)


def test_expected_costs_follow_the_protocol(monkeypatch):
    monkeypatch.setattr(simulate, "CELLS", 3)
    grid, task = GRID[:40], PROFILES["sst2"]
    paper, efficient, sweep = (
        expected_epochs(name, EfficientConfig(), grid, RATES, task)
        for name in ("paper", "efficient", "sweep")
    )
    assert efficient < paper / 3 and 5 * 4 <= paper / EPOCHS <= 6 * 4
    assert sweep == 40 * 4 * EPOCHS
    alone = expected_epochs("efficient", EfficientConfig(), grid, RATES, task, neighbours=False)
    assert alone > efficient
