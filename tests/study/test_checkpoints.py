from __future__ import annotations

import pytest

from pipeline.errors import UserError
from pipeline.study.checkpoints import Checkpoint, neighbours, predecessors, written_out


def test_a_number_is_short_for_a_line() -> None:
    assert written_out({"s0": 0, "s9": {"step": 9}}) == {"s0": {"step": 0}, "s9": {"step": 9}}
    assert written_out({"s0": True}) == {"s0": True}  # not a number: the parser complains
    assert written_out([1]) == [1]


def test_each_checkpoint_goes_on_from_the_latest_before_it_in_whatever_order() -> None:
    lines = {"s0": Checkpoint(0), "s10": Checkpoint(10), "s5": Checkpoint(5)}
    assert predecessors(lines) == {"s0": None, "s10": "s5", "s5": "s0"}


def test_a_decay_branch_is_passed_over() -> None:
    lines = {
        "s0": Checkpoint(0), "s5": Checkpoint(5), "end5": Checkpoint(7, decay=True),
        "s9": Checkpoint(9), "late": Checkpoint(12, after="s5"),
    }  # fmt: skip
    assert predecessors(lines) == {
        "s0": None, "s5": "s0", "end5": "s5", "s9": "s5", "late": "s5",
    }  # fmt: skip


def test_a_neighbour_is_the_nearest_measured_checkpoint_before() -> None:
    lines = {
        "s0": Checkpoint(0), "s5": Checkpoint(5, measured=False), "s9": Checkpoint(9),
    }  # fmt: skip
    assert neighbours(lines) == {"s0": None, "s9": "s0"}


@pytest.mark.parametrize(
    ("after", "step", "sentence"),
    [
        ("s8", 9, "checkpoints.s9.after is 's8': did you mean 's9'?"),
        ("s5", 5, "checkpoints.s9.step is 5, not after s5's 5"),
        ("s9", 9, "checkpoints.s9.step is 9, not after s9's 9"),
    ],
)
def test_a_broken_chain_is_one_sentence(after: str, step: int, sentence: str) -> None:
    lines = {"s0": Checkpoint(0), "s5": Checkpoint(5), "s9": Checkpoint(step, after=after)}
    with pytest.raises(UserError) as caught:
        predecessors(lines)
    assert sentence in str(caught.value)
