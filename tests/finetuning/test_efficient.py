"""The walk over learning rates and the repeats, on runs whose outcomes are written down."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.finetuning.baseline import BaselineConfig
from pipeline.finetuning.efficient import Efficient, spread
from pipeline.finetuning.full_run import FullRun
from pipeline.finetuning.loop import EpochScore
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.tasks import Split
from pipeline.tasks.kinds import make_kind

RATES = (1e-5, 2e-5, 3e-5, 4e-5, 5e-5)
CONFIG = BaselineConfig("efficient")


class Scripted:
    """A runner whose runs have the metrics that are written down by rate, or by seed."""

    def __init__(self, metrics, seeds=(), rows: int = 100, evals: int = 1000) -> None:
        self.config = FinetuneConfig(epochs=10, batch=32, learning_rates=tuple(metrics))
        kind = make_kind("classification", ("no", "yes"))
        ids = [np.zeros(2, dtype=np.int32)]
        self.cell = SimpleNamespace(
            data=SimpleNamespace(
                kind=kind,
                train=Split(ids * rows, np.zeros(rows, dtype=int), 0, kind),
                eval=Split(ids * evals, np.arange(evals) % 2, 0, kind),
            )
        )
        self.metrics, self.seeds, self.runs, self.rules = metrics, seeds, [], []
        self.evaluations: list[int | None] = []

    def run(self, rate, *, seed=0, evaluations=None, rule=None) -> FullRun:
        metric = self.seeds[seed - 1] if seed else self.metrics[rate]
        best = None if metric is None else EpochScore(1, 0.1, metric)
        self.runs.append(FullRun("", rate, seed, best is None, False, best, metric, "", 1, 1.0, ()))
        self.rules.append(rule)
        self.evaluations.append(evaluations)
        return self.runs[-1]


def tried(runner: Scripted, near: float | None = None, runs: int = 1) -> list[float]:
    Efficient(runner, replace(CONFIG, runs=runs), near).run()
    return [run.learning_rate for run in runner.runs]


def rated(*metrics: float | None) -> Scripted:
    return Scripted(dict(zip(RATES, metrics, strict=True)))


def test_both_neighbours_of_the_middle_rate_are_checked() -> None:
    assert tried(rated(0.9, 0.6, 0.7, 0.6, 0.9)) == [3e-5, 2e-5, 4e-5]


def test_it_goes_on_towards_the_side_that_wins_and_leaves_the_other_out() -> None:
    assert tried(rated(0.7, 0.8, 0.7, 0.9, 0.9)) == [3e-5, 2e-5, 1e-5]
    assert tried(rated(0.6, 0.6, 0.7, 0.8, 0.9)) == [3e-5, 2e-5, 4e-5, 5e-5]


def test_it_starts_from_the_rate_nearest_to_the_neighbours() -> None:
    assert tried(rated(0.6, 0.7, 0.6, 0.6, 0.6), near=2e-5) == [2e-5, 1e-5, 3e-5]
    assert tried(rated(0.6, 0.6, 0.6, 0.6, 0.7), near=1e-4) == [5e-5, 4e-5]


def test_a_check_moves_away_from_the_neighbours_rate() -> None:
    runner = rated(0.6, 0.7, 0.8, 0.6, 0.6)
    best = Efficient(runner, replace(CONFIG, runs=1), 1e-5).run()
    assert [run.learning_rate for run in best] == [3e-5]


def test_below_a_rate_that_diverges_all_smaller_ones_may_be_better() -> None:
    assert tried(rated(0.8, None, None, None, None)) == [3e-5, 2e-5, 1e-5]
    assert tried(rated(None, None, None, None, None), runs=4) == [3e-5, 2e-5, 1e-5]


def test_each_rate_is_to_beat_the_best_before_it_and_repeats_stand_alone() -> None:
    runner = Scripted({1e-5: 0.6, 2e-5: 0.7, 3e-5: 0.8}, (0.8,))
    Efficient(runner, CONFIG).run()
    assert [rule.beat for rule in runner.rules] == [None, 0.7, 0.7, None]
    assert {rule.gain for rule in runner.rules} == {CONFIG.gain}


@pytest.mark.parametrize(
    ("seeds", "runs", "count"),
    [
        ((0.8, 0.8, 0.8), 4, 2),
        ((0.7, 0.9, 0.7), 4, 4),
        ((0.7, 0.9, 0.7), 3, 3),
        ((0.78, 0.8, 0.8), 9, 4),
        ((0.8, 0.8, 0.8), 1, 1),
    ],
)
def test_runs_are_repeated_until_the_seeds_error_is_half_of_the_evaluations(
    seeds: tuple[float, ...], runs: int, count: int
) -> None:
    runner = Scripted({1e-5: 0.8}, seeds)
    repeated = Efficient(runner, replace(CONFIG, runs=runs)).run()
    assert [run.seed for run in repeated] == list(range(count))


def test_the_spread_is_a_standard_error_that_luck_does_not_make_nothing() -> None:
    assert spread([0.8], 0.01) is None
    assert spread([0.7, 0.8, 0.9], 0.01) == pytest.approx(0.1 / math.sqrt(3))
    assert spread([0.8, 0.8], 0.01) == pytest.approx(0.005 / math.sqrt(2))


def test_long_epochs_are_evaluated_several_times() -> None:
    for rows, evaluations in ((999 * 32, None), (999 * 32 + 1, 40)):
        runner = Scripted({1e-5: 0.8}, rows=rows)
        Efficient(runner, replace(CONFIG, runs=1)).run()
        assert runner.evaluations == [evaluations]


def test_every_deviation_is_named() -> None:
    runner = Scripted(dict.fromkeys(RATES, 0.8), (0.8,), rows=40_000)
    protocol = Efficient(runner, CONFIG)
    repeated = protocol.run()
    runner.runs[1] = replace(runner.runs[1], ended=True)
    assert protocol.deviations(repeated) == (
        "full fine-tuning tried 3 of 5 rates (2e-05, 3e-05, 4e-05)",
        "runs of full fine-tuning ended when no more than 0.002 was expected to be gained "
        "(baseline.gain)",
        "full fine-tuning is evaluated 4 times an epoch",
        "the full metric is the mean of 2 runs, not the best run's",
    )


def test_what_the_paper_does_too_is_no_deviation() -> None:
    runner = Scripted({1e-5: 0.8})
    protocol = Efficient(runner, replace(CONFIG, runs=1))
    assert protocol.deviations(protocol.run()) == ()
