from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.dimension.bounds import Bound
from pipeline.dimension.interval import Levels, Noise, evaluation_noise, interval

LEVELS = Levels(0.5, 0.8, 0.85)
SMALL = Noise(0.002, 0.001)


def exact(d: int, accuracy: float) -> Bound:
    return Bound(d, accuracy, accuracy)


BRACKET = [
    exact(100, 0.60),
    exact(400, 0.74),
    exact(700, 0.79),
    exact(1000, 0.81),
    exact(4000, 0.84),
]


def width(seen: list[Bound], noise: Noise = SMALL) -> float:
    low, high = interval(seen, LEVELS, noise)
    return high / low


def test_the_interval_surrounds_the_crossing():
    low, high = interval(BRACKET, LEVELS, SMALL)
    assert 300 < low < 850 < high < 2500


def test_more_noise_makes_it_wider_whether_shared_or_not():
    assert width(BRACKET) < width(BRACKET, Noise(0.05, 0.001))
    assert width(BRACKET) < width(BRACKET, Noise(0.002, 0.05))


def test_more_seeds_make_it_narrower():
    again = [exact(d, accuracy) for d, accuracy in ((700, 0.792), (1000, 0.808), (400, 0.742))]
    assert width(BRACKET + again, Noise(0.01, 0.0)) < width(BRACKET, Noise(0.01, 0.0))


def test_accuracies_tell_more_than_reached_and_missed():
    censored = [
        Bound(one.d, 0.0, 0.8) if one.low < 0.8 else Bound(one.d, 0.8, math.inf) for one in BRACKET
    ]
    assert width(BRACKET) < width(censored)


def test_probes_that_all_miss_bound_it_from_below_only():
    low, high = interval([Bound(100, 0.6, 0.6), Bound(1000, 0.7, 0.8)], LEVELS, SMALL)
    assert 200 < low < 1000 and high > 5000


def test_one_wrong_bound_among_many_coherent_probes_moves_nothing():
    more = [exact(150, 0.65), exact(250, 0.69), exact(550, 0.77), exact(2000, 0.83)]
    low, high = interval([*BRACKET, *more, Bound(20, 0.8, math.inf)], LEVELS, SMALL)
    assert 400 < low < 850 < high < 1200


def test_noise_is_split_into_what_probes_share_and_what_they_do_not():
    generator = np.random.default_rng(0)
    hard = generator.random(4000) < 0.2
    same = np.stack([~hard, ~hard]).astype(float)
    noise = evaluation_noise(same, 0.01, 0.9, same.shape[1])
    assert noise.own == pytest.approx(0, abs=1e-9) and noise.shared > 0
    apart = (generator.random((2, 4000)) < 0.8).astype(float)
    noise = evaluation_noise(apart, 0.01, 0.9, apart.shape[1])
    assert noise.own == pytest.approx(math.sqrt(0.16 / 4000), rel=0.1)
    assert noise.shared < noise.own / 3


def test_the_target_moves_with_the_examples_that_it_was_measured_on():
    generator = np.random.default_rng(0)
    full = (generator.random(2000) < 0.85).astype(float)
    probes = np.stack([full * (generator.random(2000) < 0.95) for _ in range(3)])
    paired = evaluation_noise(probes - 0.9 * full, 0.01, 0.9, probes.shape[1])
    alone = evaluation_noise(probes, 0.01, 0.9, probes.shape[1])
    assert math.hypot(paired.own, paired.shared) < 0.7 * math.hypot(alone.own, alone.shared)


def test_without_the_answers_half_of_the_variance_is_taken_to_be_shared():
    noise = evaluation_noise(None, 0.02, 0.9, 100)
    assert noise.own == pytest.approx(0.02 / math.sqrt(2))
    assert noise.shared == pytest.approx(0.6 * noise.own)
