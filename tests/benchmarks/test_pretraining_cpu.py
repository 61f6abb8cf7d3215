from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import pretraining_sides
from benchmarks.pretraining_cpu import Curve, curves, table
from benchmarks.pretraining_sides import IGNORE, SIZES
from pipeline.pretraining.masking import masked_batches
from pipeline.pretraining.mlm import build_model, summed_loss

SMOKE = SIZES["smoke"]


def test_every_lever_computes_the_same_loss() -> None:
    import torch

    rows = [(0, index) for index in range(SMOKE.rows)]
    (batch,) = masked_batches(
        SMOKE.blocks(0), rows, SMOKE.rows, 0.15, SMOKE.special, 0, torch.device("cpu")
    )
    model = build_model(SMOKE.model, SMOKE.vocabulary, SMOKE.special, 0).eval()
    assert (batch.labels == IGNORE).any() and batch.attention_mask is not None
    inputs = (batch.input_ids, batch.attention_mask, batch.positions, batch.labels)
    wanted = summed_loss(model, *inputs)
    for lever in ("whole-last-block", "whole-head"):
        torch.testing.assert_close(pretraining_sides._summed(lever)(model, *inputs), wanted)


@pytest.mark.parametrize("side", ["native", "trainer"])
def test_a_side_trains_and_says_its_loss(side: str, capsys: pytest.CaptureFixture[str]) -> None:
    getattr(pretraining_sides, side)(SMOKE, 0)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith('{"updates"')]
    rows = [json.loads(line) for line in lines]
    assert [row["updates"] for row in rows] == [2, 4, 6, 8, 10]
    assert all(5.5 < row["loss"] < 7 for row in rows)  # ln 500 is 6.2


def test_the_corpus_is_the_same_for_every_seed_and_long_enough_for_one_epoch() -> None:
    one, other = SMOKE.blocks(0), SMOKE.blocks(1)
    assert np.array_equal(one[3], other[3]) and one.at(0) != other.at(0)
    for work in SIZES.values():
        assert len(work.blocks(0)) >= work.updates * work.rows


def test_speed_leaves_out_what_comes_before_the_second_line() -> None:
    curve = Curve((2, 4, 6, 10), (100.0, 200.0, 202.0, 206.0), (1.0, 2.0, 3.0, 5.0), (9.0,) * 4)
    tokens = 6 * SMOKE.rows * SMOKE.length
    assert curve.speed(SMOKE) == (tokens / 6, tokens / 3)


def test_a_table_has_medians_ratios_and_the_range_over_seeds() -> None:
    def run(pace: float, loss: float) -> Curve:
        return Curve(
            (2, 4, 6), (0.0, 1.0, 1.0 + pace), (0.0, 1.0, 1.0 + pace / 2), (3.0, 2.0, loss)
        )

    runs = {
        "native": [run(1.0, 1.1), run(2.0, 1.2), run(9.0, 1.3)],
        "other": [run(4.0, 1.0), run(4.0, 1.0), run(1.0, 1.0)],
    }
    assert table("smoke", ("native", "other"), runs)[2:] == [
        "| native | 128 | 1.00 | 256 | 1.00 | 1.100, 1.200, 1.300 |",
        "| other | 64 | 2.00 | 128 | 2.00 | 1.000, 1.000, 1.000 |",
    ]
    assert "| native | 3.00 (3.00–3.00) | 2.00 (2.00–2.00) | 1.20 (1.10–1.30) |" in curves(
        ("native", "other"), runs
    )
