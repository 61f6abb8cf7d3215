from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.dimension.noise import answered_noise, expected_noise


def test_noise_is_split_into_what_trainings_share_and_what_they_do_not():
    generator = np.random.default_rng(0)
    hard = generator.random(4000) < 0.2
    same = np.stack([~hard, ~hard]).astype(float)
    noise = answered_noise(same, same.shape[1], 0.0)
    assert noise.own == pytest.approx(0, abs=1e-9) and noise.shared > 0
    apart = (generator.random((2, 4000)) < 0.8).astype(float)
    noise = answered_noise(apart, apart.shape[1], 0.0)
    assert noise.own == pytest.approx(math.sqrt(0.16 / 4000), rel=0.1)
    assert noise.shared < noise.own / 3


def test_the_target_moves_with_the_examples_that_it_was_measured_on():
    generator = np.random.default_rng(0)
    full = (generator.random(2000) < 0.85).astype(float)
    probes = np.stack([full * (generator.random(2000) < 0.95) for _ in range(3)])
    paired = answered_noise(probes - 0.9 * full, probes.shape[1], 0.0)
    alone = answered_noise(probes, probes.shape[1], 0.0)
    assert math.hypot(paired.own, paired.shared) < 0.7 * math.hypot(alone.own, alone.shared)


def test_without_the_answers_half_of_the_variance_is_taken_to_be_shared():
    noise = expected_noise(0.02, 0.0)
    assert noise.own == pytest.approx(0.02 / math.sqrt(2))
    assert noise.shared == pytest.approx(0.6 * noise.own)


@pytest.mark.parametrize("full_error", [0.0, 0.03])
def test_what_few_full_runs_leave_open_is_shared(full_error: float):
    gaps = np.eye(3)
    plain, unsure = answered_noise(gaps, 100, 0.0), answered_noise(gaps, 100, full_error)
    assert plain.own == unsure.own
    assert unsure.shared == pytest.approx(math.hypot(plain.shared, full_error))
