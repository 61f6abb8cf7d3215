from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.errors import UserError

ROBERTA_BASE = 124_647_170
# A21, Table 1: BERT-Base, BERT-Large, RoBERTa-Base, RoBERTa-Large; SAID MRPC/QQP, DID MRPC/QQP.
TABLE_1 = [1608, 8030, 1861, 9295, 1037, 1200, 2493, 1389, 896, 896, 1000, 1389, 207, 774, 322, 774]


def test_the_default_grid_is_the_papers_and_goes_on_to_four_million():
    grid = grid_values(GridConfig(), 14, ROBERTA_BASE)
    paper = [int(value) for value in np.logspace(2, 6, 64)]
    assert list(grid[:64]) == paper
    assert grid[-1] == 4_000_000
    assert np.diff(np.log(grid[63:-1])) == pytest.approx(np.log(10) * 4 / 63, rel=1e-4)


def test_fifteen_of_the_sixteen_published_values_lie_on_the_default_grid():
    grid = grid_values(GridConfig(), 14, ROBERTA_BASE)
    assert [value for value in TABLE_1 if value not in grid] == [1000]


@st.composite
def configs(draw):
    low, high = sorted(draw(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6))))
    return GridConfig(low, high, draw(st.none() | st.floats(1.01, 100)))


@given(configs())
def test_a_grid_increases_and_has_both_ends(config):
    grid = grid_values(config, 0, 10**6)
    assert (grid[0], grid[-1]) == (config.minimum, config.maximum)
    assert all(low < high for low, high in pairwise(grid))


@given(configs())
def test_neighbours_are_never_further_apart_than_the_ratio(config):
    assume(config.minimum >= 100)
    grid = grid_values(config, 0, 10**6)
    ratio = config.ratio or 10 ** (4 / 63)
    assert all(high + 1 <= ratio * (low + 2) for low, high in pairwise(grid))


def test_a_given_ratio_starts_at_the_minimum():
    assert grid_values(GridConfig(30, 500, 2.0), 0, 1000) == (30, 60, 120, 240, 480, 500)


def test_without_a_maximum_a_small_model_ends_at_its_own_size():
    assert grid_values(GridConfig(16), 2, 50_000)[-1] == 50_000


def test_one_value_is_a_grid():
    assert grid_values(GridConfig(100, 100), 14, 1000) == (100,)


@pytest.mark.parametrize(
    ("config", "layers", "size", "words"),
    [
        (GridConfig(100), 100, 10**6, ["minimum is 100", "100 layers"]),
        (GridConfig(100, 2000), 14, 1999, ["maximum is 2000", "D = 1999"]),
        (GridConfig(100), 14, 99, ["minimum is 100", "D = 99"]),
        (GridConfig(5_000_000), 14, 10**8, ["minimum is 5000000", "4000000"]),
    ],
)
def test_a_grid_that_does_not_fit_the_model_is_the_users_error(config, layers, size, words):
    with pytest.raises(UserError) as error:
        grid_values(config, layers, size)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ((0,), "minimum"),
        ((100, 99), "maximum"),
        ((100, None, 1.0), "ratio"),
        ((100, None, float("nan")), "ratio"),
        ((100, None, float("inf")), "ratio"),
    ],
)
def test_a_senseless_grid_is_refused_with_its_key(values, word):
    with pytest.raises(ValueError, match=word):
        GridConfig(*values)
