"""The benchmark of sizes at a size of a moment, and its decoders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from benchmarks import sizes
from benchmarks.decoders import decoder_config, decoder_parameters, decoder_size
from benchmarks.sizes import Case, cases, line, measured

TINY = Case(0.001, 500, "bf16_weights", True, 2, 16)


@pytest.mark.parametrize("billions", [0.3, 1.3, 2.8])
def test_a_decoder_has_about_the_parameters_that_are_asked_for(billions: float) -> None:
    from transformers import LlamaForSequenceClassification

    size = decoder_size(1e9 * billions)
    assert decoder_parameters(size) == pytest.approx(1e9 * billions, rel=0.05)
    with torch.device("meta"):
        model = LlamaForSequenceClassification(decoder_config(size))
    assert sum(item.numel() for item in model.parameters()) == decoder_parameters(size)
    assert size.body_parameters() == pytest.approx(decoder_parameters(size), rel=0.35)


def test_a_peak_is_within_a_factor_of_two_of_the_estimate(tmp_path: Path) -> None:
    row = measured(TINY, 20.0, tmp_path)
    assert 0.5 < float(row["of the estimate"]) < 2
    shown = line(row).split(" | ")
    assert shown[1:5] == ["d = 500", "bf16_weights", "true", "2 × 16"]
    again = measured(Case(0.001, None, "bf16", True, 2, 16), 20.0, tmp_path)
    assert 0.5 < float(again["of the estimate"]) < 2


def test_what_does_not_fit_is_named_and_not_begun(tmp_path: Path) -> None:
    row = measured(TINY, 0.1, tmp_path)
    assert row["peak GiB"] == "left out: 0.1 GiB are to be had" and not list(tmp_path.iterdir())


def test_a_training_that_fails_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = [{"case": "FAILED: MemoryError: no room"}]
    monkeypatch.setattr(sizes, "rows_of", lambda *_: failed)
    assert measured(TINY, 20.0, tmp_path)["peak GiB"] == failed[0]["case"]


def test_ways_are_compared_at_one_size_and_sizes_by_one_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = list(cases([1.0, 2.0], 0.1, 1000))
    assert {case.billions for case in planned[:-2]} == {0.1} and planned[0].d is None
    assert [case.billions for case in planned[-2:]] == [1.0, 2.0]
    assert {(one.precision, one.recompute) for one in planned[-2:]} == {("bf16_weights", True)}
    monkeypatch.setattr(sizes, "measured", lambda case, *_: {**case.said(), "peak GiB": 1.5})
    monkeypatch.setattr(sys, "argv", ["sizes", "--sizes", "0.3"])
    sizes.main()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2 + 2 + 7 and printed[-1].startswith("| 0.31 G | d = 1,000 |")
