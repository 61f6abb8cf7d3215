"""The machine's speed: measured on a model of the study's size, and said with the hours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.estimate import speed
from pipeline.study.reading import load_params

LAPTOP = Path(__file__).parents[2] / "presets/laptop.yaml"


def test_without_a_rate_the_machine_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(speed, "_SECONDS", 0.05)
    monkeypatch.setattr(sys, "argv", ["pipeline", "estimate", "--params", str(LAPTOP)])
    assert main() == 0
    shown = capsys.readouterr().out
    assert "what probes of the largest model came to here" in shown and "1 thread)" in shown
    hours = next(line for line in shown.splitlines() if line.startswith("all")).split()[-1]
    assert 0 < float(hours) < 1000


def test_more_work_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the tokens a second are twice the rate."""
    params = load_params(LAPTOP)
    rates = []
    for tokens in (1000.0, 2000.0):
        monkeypatch.setattr(speed, "_tokens_a_second", lambda *_, tokens=tokens: tokens)
        rates.append(speed.measured_speed(params).flop_per_second)
    assert rates[1] == 2 * rates[0] > 0
