"""Bayes' rule over the model of success, against the same rule by brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from pipeline.dimension.evidence import Evidence
from pipeline.dimension.habits import JITTERS, SLOPES, UNKNOWN, Habits
from pipeline.dimension.noise import Noise
from pipeline.dimension.posterior import PLATEAU, Model, Posterior, Rate
from pipeline.dimension.success import Levels

LEVELS = Levels(0.5, 0.8, 0.9)
THETA = np.linspace(1.0, 4.0, 121)
FLAT = np.full(len(THETA), 1 / len(THETA))
BEST = Rate(0.0, 0.2)
SMALL = Noise(0.01, 0.005)


def posterior(*seen: Evidence, noise: Noise = SMALL, habits: Habits = UNKNOWN) -> Posterior:
    return Posterior.of(Model(LEVELS, noise, BEST, habits), THETA, FLAT, seen)


def whole(d: int, metric: float, rate: float = 0.0) -> Evidence:
    return Evidence(d, rate, metric)


def below(known: Posterior, d: float) -> float:
    """The probability that d₉₀ lies below d."""
    return float(np.interp(np.log10(d), known.theta, np.cumsum(known.marginal)))


def width(known: Posterior) -> float:
    low, high = known.quantiles((0.025, 0.975))
    return float(high - low)


RISE = [whole(100, 0.6), whole(300, 0.7), whole(700, 0.78), whole(1000, 0.81), whole(2000, 0.84)]


def simulated(
    generator: np.random.Generator, count: int
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """θ and the final metrics of trainings at d = 100 and 1000, drawn as the model says."""
    theta = generator.uniform(THETA[0], THETA[-1], count)
    slope = LEVELS.span * generator.choice(SLOPES, count, p=UNKNOWN.slopes)
    jitter = generator.choice(JITTERS, count, p=UNKNOWN.jitters)
    shift = SMALL.shared * generator.standard_normal(count)
    best = BEST.sd * generator.standard_normal(count)
    metrics = []
    for d in (100, 1000):
        move = slope * (np.log10(d) - theta)
        up, down = LEVELS.full - LEVELS.target, LEVELS.target - LEVELS.chance
        rise = np.where(move > 0, up * (1 - np.exp(-move / up)), down * (np.exp(move / down) - 1))
        flatter = np.exp(-np.abs(move) / np.where(move > 0, up, down))
        gain = LEVELS.target + rise - LEVELS.chance
        mean = LEVELS.chance + gain * np.exp(-((best / 0.75) ** 4)) + shift
        seeds = slope * jitter * flatter * generator.standard_normal(count)
        noise = np.hypot(SMALL.own, 0.003) * generator.standard_normal(count)
        waiting = generator.random(count) < PLATEAU
        idle = generator.uniform(LEVELS.chance, LEVELS.target, count)
        metrics.append(np.where(waiting, idle, mean + seeds + noise))
    return theta, tuple(metrics)


def test_it_is_what_brute_force_gives() -> None:
    """Of a million simulated cells those that came to about what was seen."""
    theta, (small, large) = simulated(np.random.default_rng(0), 1_000_000)
    alike = theta[(np.abs(small - 0.7) < 0.01) & (large >= LEVELS.target)]
    known = posterior(whole(100, 0.7), Evidence(1000, 0.0, LEVELS.target, at_least=True))
    assert len(alike) > 5_000
    for d in (100, 150, 200, 300, 500, 1000):
        assert below(known, d) == pytest.approx(np.mean(alike < np.log10(d)), abs=0.03), d


def test_without_trainings_it_is_the_prior() -> None:
    assert posterior().marginal == pytest.approx(FLAT)
    assert posterior().habits().slopes == pytest.approx(UNKNOWN.slopes, abs=1e-4)


def test_trainings_around_the_crossing_surround_it() -> None:
    low, middle, high = 10 ** posterior(*RISE).quantiles((0.025, 0.5, 0.975))
    assert 400 < low < 700 < middle < 1000 < high < 1700


@pytest.mark.parametrize("d", [100, 1000])
def test_a_clear_complete_miss_lifts_the_interval_above_it(d: int) -> None:
    assert below(posterior(whole(d, 0.52)), d) < 0.2 * below(posterior(), d)


@pytest.mark.parametrize("others", [[], RISE[:1], [whole(2000, 0.86)]])
def test_a_clearer_miss_counts_no_less(others: list[Evidence]) -> None:
    """But for 0.03: the clearer one is, the likelier it waited on a plateau."""
    metrics = (0.81, 0.8, 0.79, 0.78, 0.77, 0.75, 0.72, 0.68, 0.65)
    left = [below(posterior(*others, whole(500, metric)), 500) for metric in metrics]
    assert all(clearer <= vaguer + 0.03 for vaguer, clearer in combinations(left, 2))
    assert left[-1] < 0.45 * left[2] < 0.45 * left[0]


def test_a_training_that_reached_lowers_and_one_that_missed_lifts() -> None:
    reached = Evidence(300, 0.0, LEVELS.target, at_least=True)
    medians = [
        posterior(*seen).quantiles((0.5,))[0]
        for seen in ([*RISE, reached], RISE, [*RISE, whole(1000, 0.72)])
    ]
    assert medians[0] < medians[1] < medians[2]


def test_one_training_that_stayed_on_a_plateau_moves_little() -> None:
    """Its miss lies far from what the others say, and may be a wait: no steep fall follows."""
    idle = posterior(*RISE, whole(2000, LEVELS.chance))
    without = posterior(*RISE)
    shares = (0.025, 0.5, 0.975)
    assert idle.quantiles(shares) == pytest.approx(without.quantiles(shares), abs=0.05)
    # Four of them are no accident any more.
    four = [Evidence(2000, 0.0, LEVELS.chance) for _ in range(4)]
    assert posterior(RISE[0], RISE[1], *four).quantiles((0.5,)) > np.log10(2000)


def test_noise_widens_the_interval_whether_shared_or_not() -> None:
    sharp = width(posterior(*RISE))
    assert sharp < width(posterior(*RISE, noise=Noise(0.04, 0.005)))
    assert sharp < width(posterior(*RISE, noise=Noise(0.01, 0.04)))


def test_more_trainings_narrow_what_is_not_shared() -> None:
    noise = Noise(0.04, 0.0)
    again = posterior(*RISE, *RISE, *RISE, noise=noise)
    assert width(again) < 0.5 * width(posterior(*RISE, noise=noise))


def test_metrics_tell_more_than_reached_and_missed() -> None:
    vague = [
        Evidence(one.d, 0.0, 0.65, 0.15)
        if one.mean < LEVELS.target
        else Evidence(one.d, 0.0, LEVELS.target, at_least=True)
        for one in RISE
    ]
    assert width(posterior(*RISE)) < width(posterior(*vague))


def test_the_order_of_trainings_does_not_matter() -> None:
    one, other = posterior(*RISE), posterior(*reversed(RISE))
    assert one.weights == pytest.approx(other.weights, abs=1e-12)


def test_a_miss_with_a_rate_far_off_says_less_of_d90_and_more_of_the_rate() -> None:
    far, near = (posterior(whole(300, 0.55, rate)) for rate in (0.9, 0.0))
    assert below(near, 300) < below(far, 300)
    # After a better one beside it the best rate is known to lie there.
    both = posterior(whole(300, 0.55, 0.4), whole(300, 0.7, -0.4))
    assert both.reaches(1000, -0.3) > both.reaches(1000, 0.3)


def test_habits_of_others_count_as_a_prior() -> None:
    steep = Habits((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), UNKNOWN.jitters).told()
    seen = [whole(300, 0.75)]
    told, untold = (posterior(*seen, habits=habits) for habits in (steep, UNKNOWN))
    assert below(told, 500) > below(untold, 500) + 0.05
    assert told.habits().slopes[-1] > untold.habits().slopes[-1]


def test_the_probability_to_reach_rises_with_d_and_leaves_room_for_a_plateau() -> None:
    known = posterior(*RISE)
    chances = [known.reaches(d, 0.0) for d in (100, 500, 900, 2000, 10_000)]
    assert chances == sorted(chances) and chances[0] < 0.02
    assert 0.9 < chances[-1] <= 1 - PLATEAU


def test_draws_stand_for_the_posterior() -> None:
    known = posterior(*RISE)
    for d in (300, 900, 2000):
        nats, reaches = known.told(d, 0.0)
        assert reaches == pytest.approx(known.reaches(d, 0.0), abs=0.02)
        # What is told is no more than there is to know: the entropy of equally likely groups.
        assert 0 <= nats < np.log(30)


def test_a_training_further_below_tells_where_near_ones_are_sure_to_miss() -> None:
    """Either d₉₀ lies above, or the learning rate is off: further below these differ."""
    missed = posterior(*[whole(10_000, 0.76)] * 4)
    assert missed.reaches(10_000, 0.0) < 0.05
    assert missed.told(3000, 0.0)[0] > 4 * missed.told(10_000, 0.0)[0]
    # A training says less where it is sure of both.
    steep = posterior(*[whole(1000, 0.6), whole(2000, 0.85)] * 3)
    assert steep.told(1500, 0.0)[0] > 3 * max(steep.told(d, 0.0)[0] for d in (30, 30_000))


def test_what_a_training_is_expected_to_come_to_is_what_others_came_to() -> None:
    mean, sd = posterior(*RISE).expects(700, 0.0)
    assert mean == pytest.approx(0.78, abs=0.015) and 0.003 < sd < 0.05
    assert posterior().expects(700, 0.0)[1] > sd
