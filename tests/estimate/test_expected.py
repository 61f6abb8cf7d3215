"""What a cell is expected to train depends on its task, its neighbours and its seeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.estimate import simulate
from pipeline.estimate.expected import (
    Searched,
    evaluations_an_epoch,
    full_epochs,
    most_trainings,
    search_trainings,
)
from pipeline.estimate.simulate import EPOCHS, PROFILES, expected_epochs
from pipeline.finetuning.baseline import BaselineConfig
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SearchConfig

GRID = grid_values(GridConfig(ratio=2.0), 14, 125_000_000)
SEARCH = SearchConfig(GridConfig())


@pytest.mark.parametrize(
    ("rows", "profile"), [(408, "mrpc"), (600, "sst2"), (2_999, "sst2"), (38_000, "mnli")]
)
def test_the_nearest_evaluation_set_stands_for_a_task(rows: int, profile: str) -> None:
    epochs = expected_epochs(
        "paper", SEARCH.efficient, GRID, SEARCH.rates, PROFILES[profile], relative=True
    )
    paper = replace(SEARCH, protocol="paper")
    assert search_trainings(paper, Searched(GRID, rows, True)) == epochs / EPOCHS


def test_seeds_multiply_and_neighbours_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "CELLS", 3)
    grid = grid_values(GridConfig(), 14, 125_000_000)
    near, alone = (search_trainings(SEARCH, Searched(grid, 872, knows)) for knows in (True, False))
    assert near < alone
    paper = replace(SEARCH, protocol="paper")
    once, thrice = (
        search_trainings(replace(paper, seeds=seeds), Searched(GRID, 872, True)) for seeds in (1, 3)
    )
    assert thrice == 3 * once


def test_full_fine_tuning_trains_every_rate_for_all_epochs_or_fewer_and_shorter_ones() -> None:
    config = FinetuneConfig(epochs=7, learning_rates=(1e-5, 2e-5, 3e-5))
    assert full_epochs(config, BaselineConfig()) == 21
    efficient = BaselineConfig(protocol="efficient")
    assert 7 <= full_epochs(config, efficient) < 21
    assert full_epochs(config, replace(efficient, runs=1)) < full_epochs(config, efficient)
    one = replace(config, learning_rates=(1e-5,))
    assert full_epochs(one, efficient) < full_epochs(config, efficient)


def test_the_most_trainings_are_those_of_the_protocol() -> None:
    rates = len(SEARCH.rates)
    assert most_trainings(replace(SEARCH, protocol="sweep"), GRID) == rates * len(GRID)
    assert most_trainings(replace(SEARCH, protocol="paper"), GRID) == rates * len(GRID).bit_length()


def test_long_epochs_are_evaluated_four_times_at_about_the_same_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulate, "CELLS", 8)
    config = FinetuneConfig(batch=32)
    assert evaluations_an_epoch(SEARCH, config, 392_702) == 4
    assert evaluations_an_epoch(SEARCH, config, 3_668) == 1
    assert evaluations_an_epoch(replace(SEARCH, protocol="paper"), config, 392_702) == 1
    once, often = (search_trainings(SEARCH, Searched(GRID, 9_815, True, n)) for n in (1, 4))
    assert often == pytest.approx(once, rel=0.25)
