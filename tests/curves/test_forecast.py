"""What a training is expected to come to, against trainings whose end is known."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.curves.forecast import forecast
from pipeline.curves.shapes import shapes

CHANCE, ERROR, EVALUATIONS = 0.5, 0.01, 10


def drawn(level: float, pace: float, seed: int) -> np.ndarray:
    done = np.arange(1, EVALUATIONS + 1) / EVALUATIONS
    rise = np.expm1(-done / pace) / np.expm1(-1 / pace)
    noise = ERROR * np.random.default_rng(seed).standard_normal(EVALUATIONS)
    return CHANCE + (level - CHANCE) * rise + noise


def test_every_shape_has_learned_all_at_its_end_and_never_unlearns() -> None:
    made = shapes(EVALUATIONS)
    assert made[:, -1] == pytest.approx(1.0)
    assert (np.diff(made, axis=1) >= 0).all()
    assert (made is shapes(EVALUATIONS)) or (made == shapes(EVALUATIONS)).all()


@pytest.mark.parametrize("seen", [4, 7])
def test_its_standard_deviations_hold_the_end(seen: int) -> None:
    inside = []
    for seed in range(60):
        level = 0.6 + 0.3 * (seed % 7) / 6
        curve = drawn(level, 0.1 + 0.05 * (seed % 5), seed)
        told = forecast(curve[:seen].tolist(), EVALUATIONS, chance=CHANCE, error=ERROR)
        inside.append(abs(curve.max() - told.mean) <= 2 * told.sd)
    assert np.mean(inside) >= 0.85


def test_a_flat_curve_far_below_is_given_up_and_a_rising_one_is_not() -> None:
    flat = [0.6, 0.7, 0.72, 0.725, 0.73, 0.73, 0.73]
    assert told(flat).reaches(0.8) < 0.05
    assert told([0.55, 0.6, 0.65, 0.7, 0.74]).reaches(0.8) > 0.5


def test_idle_trainings_may_still_rise_but_the_later_the_less() -> None:
    chances = [told([CHANCE] * seen).reaches(0.8) for seen in (2, 5, 8)]
    assert chances[0] > chances[1] > chances[2] > 0


def test_what_has_reached_has_reached() -> None:
    assert told([0.6, 0.81, 0.7]).reaches(0.8) == 1.0


def test_an_ended_training_is_what_it_was() -> None:
    ended = told([0.6] * 4 + [0.75] + [0.7] * 5)
    assert ended.mean == pytest.approx(0.75)
    assert ended.sd < 1e-3
    assert (ended.reaches(0.75), ended.reaches(0.76)) == (1.0, 0.0)


def test_a_prior_draws_an_unknown_end_to_itself() -> None:
    low, high = (told([0.55], prior=(level, 0.02)) for level in (0.6, 0.9))
    assert low.mean < 0.7 < 0.8 < high.mean


def told(curve: list[float], prior: tuple[float, float] | None = None):  # type: ignore[no-untyped-def]
    return forecast(curve, EVALUATIONS, chance=CHANCE, error=ERROR, prior=prior)


def test_a_training_that_settled_may_leave_its_plateau_the_less_the_later() -> None:
    """Recorded trainings do: no smooth curve has it, so that it is a chance of its own."""
    settled = [told([0.7] * seen) for seen in (3, 6, 9)]
    assert settled[0].rising > settled[1].rising > settled[2].rising > 0
    for forecasted in settled:
        assert forecasted.mean > forecasted.smooth[0]
        assert forecasted.reaches(0.9) >= 0.9 * forecasted.rising / 3


def untimely(seed: int) -> np.ndarray:
    """A training whose time passes unevenly, as that of recorded ones does: it pauses and leaps."""
    generator = np.random.default_rng(seed)
    done = np.cumsum(generator.gamma(3.0, 1 / 3.0, EVALUATIONS)) / EVALUATIONS
    passed = np.maximum(done - generator.uniform(0, 0.2), 0) / generator.uniform(0.2, 0.45)
    noise = 0.3 * ERROR * generator.standard_normal(EVALUATIONS)
    return CHANCE - generator.uniform(0.3, 0.45) * np.expm1(-(passed**1.5)) + noise


def test_a_pause_is_no_end_and_a_leap_no_promise() -> None:
    """What it holds for unlikely hardly happens, and what it is sure of does."""
    unlikely, sure = list[bool](), list[bool]()
    for seed in range(100):
        curve = untimely(seed)
        for target in (CHANCE + 0.9 * (curve.max() - CHANCE), curve.max() + 0.03):
            begun = [curve[:seen].tolist() for seen in range(1, EVALUATIONS)]
            for chance in (told(seen).reaches(target) for seen in begun if max(seen) < target):
                if chance < 0.1:
                    unlikely.append(curve.max() >= target)
                elif chance > 0.9:
                    sure.append(curve.max() >= target)
    assert min(len(unlikely), len(sure)) >= 40
    assert np.mean(unlikely) < 0.06
    assert np.mean(sure) > 0.85
