from __future__ import annotations

import logging

import pytest
import torch

from pipeline.errors import UserError
from pipeline.pretraining.watch import Progress, Window, healthy


def window(losses: list[float], before: dict | None = None) -> dict:
    made = Window()
    for loss in losses:
        made.add(torch.tensor(loss), torch.tensor([3.0, 4.0]) * loss)
    return made.row(len(losses), 1e-3, before)


def test_a_row_sums_up_the_updates_since_the_last() -> None:
    row = window([2.0, 4.0])
    assert row == {
        "step": 2, "loss": 3.0, "loss_deviation": 1.0, "loss_max": 4.0, "gradient_norm": 20.0,
        "learning_rate": 1e-3, "updates": 2, "spike": False,
    }  # fmt: skip


def test_a_window_is_empty_after_its_row() -> None:
    made = Window()
    made.add(torch.tensor(9.0), torch.ones(1))
    made.row(1, 0.1, None)
    made.add(torch.tensor(1.0), torch.ones(1))
    assert made.row(2, 0.1, None)["loss_max"] == 1.0


CALM = [3.0, 3.1, 2.9, 3.0, 3.1, 2.9, 3.0, 3.0]


@pytest.mark.parametrize(("highest", "spike"), [(3.3, False), (3.6, True)])
def test_a_spike_is_far_above_the_scatter_before(highest: float, spike: bool) -> None:
    assert window([3.0, highest], window(CALM))["spike"] is spike


def test_few_updates_are_no_measure_of_scatter() -> None:
    assert window([9.0], window(CALM[:4]))["spike"] is False


def test_a_spike_is_said_and_so_is_the_pace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    report = Progress(0, 2, tokens=100, flop=1e6, peak=1e9)
    report(window([3.0, 5.0], window(CALM)))
    assert "update 2: the loss spiked to 5.000 (mean 4.000" in caplog.text
    for part in (
        "update 2 of 2",
        "perplexity 54.6",
        "gradient norm 25",
        "tokens/s (MFU",
        "0 s left",
    ):
        assert part in caplog.text


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 12.1])
def test_a_failed_loss_is_an_error_that_says_what_is_left(loss: float) -> None:
    assert healthy(11.9, 5, 6.0, "s4 is kept") == 11.9
    with pytest.raises(UserError, match=r"at update 5: lower .*guessing gives 6\); s4 is kept"):
        healthy(loss, 5, 6.0, "s4 is kept")
