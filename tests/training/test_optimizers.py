from __future__ import annotations

import pytest
import torch

from pipeline.training.optimizers import OptimizerConfig, adamw, schedule


def test_linear_schedule_rises_and_falls() -> None:
    rate = schedule("linear", 1.0, 4, 10)
    assert [rate(index) for index in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate(4) == 1.0
    assert rate(7) == pytest.approx(0.5)
    assert rate(10) == rate(50) == 0


def test_constant_schedule_does_not_know_its_horizon() -> None:
    near, far = schedule("constant", 1.0, 4, 10), schedule("constant", 1.0, 4, 1000)
    assert [near(index) for index in range(2000)] == [far(index) for index in range(2000)]
    assert near(1999) == 1.0


def test_no_warm_up_starts_at_the_peak() -> None:
    assert schedule("linear", 0.3, 0, 10)(0) == 0.3


def test_every_entry_is_decayed() -> None:
    vector = torch.ones(3)
    vector.grad = torch.zeros(3)
    optimizer = adamw(vector, OptimizerConfig(weight_decay=0.5))
    optimizer.param_groups[0]["lr"] = 0.1
    optimizer.step()
    torch.testing.assert_close(vector, torch.full((3,), 0.95))


@pytest.mark.parametrize("wrong", [{"betas": (0.9, 1.0)}, {"eps": 0.0}, {"weight_decay": -1.0}])
def test_impossible_constants_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OptimizerConfig(**wrong)
