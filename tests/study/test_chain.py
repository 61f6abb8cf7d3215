from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.study.chain import chain_yaml, checkpoint_steps


def test_the_papers_chain() -> None:
    steps = checkpoint_steps(200_000, 10_000, 0)
    assert steps == [10_000 * place for place in range(1, 21)]


def test_early_checkpoints_are_evenly_spaced_in_the_logarithm() -> None:
    assert checkpoint_steps(20_000, 10_000, 3) == [10, 100, 1000, 10_000, 20_000]


@given(every=st.integers(1, 5000), count=st.integers(1, 30), early=st.integers(0, 12))
def test_steps_go_up_and_end_at_the_end(every: int, count: int, early: int) -> None:
    steps = checkpoint_steps(every * count, every, early)
    assert steps == sorted(set(steps)) and steps[0] >= 1 and steps[-1] == every * count
    assert set(range(every, every * count + 1, every)) <= set(steps)
    assert count <= len(steps) <= count + early


def test_the_yaml_is_what_params_reads() -> None:
    from ruamel.yaml import YAML

    tree = YAML(typ="safe", pure=True).load(chain_yaml([10, 200]))
    assert tree == {"checkpoints": {"s0": 0, "s10": 10, "s200": 200}}


@pytest.mark.parametrize("wrong", [(10, 3, 0), (5, 10, 0), (10, 0, 0), (10, 5, -1)])
def test_impossible_chains_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(UserError, match="cannot be made"):
        checkpoint_steps(*wrong)
