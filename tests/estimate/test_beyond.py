"""What certificates, task-specific subspaces and hidden states are expected to cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.certificates.config import CertificateConfig
from pipeline.estimate.costs import estimate
from pipeline.estimate.kinds import flop_by_kind
from pipeline.study.reading import load_params
from pipeline.taskspaces.config import TaskSpaceConfig

PRESETS = Path(__file__).parents[2] / "presets"
PAPER = load_params(PRESETS / "paper.yaml")
PARTS = ("bound", "its", "representation")


def test_only_what_is_asked_for_has_a_line() -> None:
    assert set(PARTS) & set(estimate(PAPER).flop) == {"representation"}
    asked = replace(PAPER, certificates=CertificateConfig(), taskspaces=TaskSpaceConfig())
    made = estimate(asked)
    assert set(PARTS) <= set(made.flop)
    assert made.tokens["representation"] == 0 < made.flop["representation"] < 1e16
    assert made.hours(4e14) > 2 * estimate(PAPER).hours(4e14)


def test_arms_and_candidates_are_counted_by_their_epochs() -> None:
    plain = estimate(PAPER)
    # Three learning rates of ten epochs each, by the paper's protocol.
    epoch = plain.tokens["baseline"] / 30
    spaces = TaskSpaceConfig(snapshots=32, seeds=5)
    its = estimate(replace(PAPER, taskspaces=spaces)).tokens["its"]
    assert its == pytest.approx(epoch * (32 + 8 * 5 * 10))
    halves = replace(spaces, rows="halves")
    assert estimate(replace(PAPER, taskspaces=halves)).tokens["its"] == pytest.approx(its / 2)
    proved = CertificateConfig(d=(100, 300), levels=(3, 5), epochs=3)
    bound = estimate(replace(PAPER, certificates=proved)).tokens["bound"]
    # Two d and d90, each trained whole and tuned through both numbers of levels.
    assert bound == pytest.approx(epoch * 3 * (10 + 2 * 3))


def test_searches_in_own_directions_are_counted_too() -> None:
    params = load_params(PRESETS / "beyond.yaml")
    assert params.taskspaces is not None
    without = replace(params, taskspaces=replace(params.taskspaces, search=False))
    assert estimate(params).flop["its"] > estimate(without).flop["its"]
    assert set(PARTS) <= set(flop_by_kind(params))
