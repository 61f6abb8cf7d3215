"""Cells that exist only as numbers: what probes would come to where the true d₉₀ is known.

A problem holds the evaluation curve of every probe a search could ask for, drawn once, so that all
protocols answer the same cell under the same luck. Its parts (method §2): accuracy rises with log d
as a logistic curve from the majority class to about the full accuracy; it falls off on both sides
of a best learning rate that drifts with d; it rises over the epochs; and it carries the noise of
the seed, of the evaluation examples, and of the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.common.seeds import numpy_generator
from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.driver import cut, drive
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, ProtocolName, Strategy
from pipeline.dimension.question import Near, Question
from pipeline.dimension.rates import Rates, listed
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.verdict import Verdict


@dataclass(frozen=True)
class Profile:
    """A task.

    Attributes:
        rows: evaluation examples.
        majority: accuracy of the majority class.
        full: lowest and highest accuracy of full fine-tuning.
        seed_error: standard deviation over seeds of the accuracy on endless examples.
        pace: median time constant of a training, as a share of all its epochs.
        late: share of the cells whose trainings sit at the majority class for a while.
    """

    rows: int
    majority: float
    full: tuple[float, float]
    seed_error: float
    pace: float
    late: float


# method §4; the seeds' spread is that of published fine-tunings. Ten epochs are 2,300 updates on
# MRPC, 21,000 on SST-2 and 123,000 on MNLI, so that the larger tasks are learned early in them.
PROFILES = {
    "mrpc": Profile(408, 0.6838, (0.84, 0.91), 0.010, 0.25, 0.3),
    "sst2": Profile(872, 0.5092, (0.88, 0.95), 0.005, 0.12, 0.0),
    "mnli": Profile(9815, 0.3545, (0.75, 0.88), 0.003, 0.10, 0.0),
}
RATES = (1e-3, 5e-3, 1e-2, 3e-2)
EPOCHS = 10
# Seeds that a cell's trainings are drawn with; a search asks for no more.
SEEDS = 128
# Simulated cells from which an expected cost is taken.
CELLS = 15
_FULL_RATES = 3
# Shares of the binomial variance: common to all models of a cell, of a training, of an epoch.
_COMMON, _OWN, _EPOCH = 0.5, 0.3, 0.2
# How much is learned falls as exp(-(decades off / width)⁴): 0.85 at a factor of 3, 0.04 at 10.
_RATE_WIDTH = 0.75
# Decades that the best relative rate lies off the list's middle.
_ABOUT = 0.15


@dataclass(frozen=True)
class Problem:
    """A simulated cell.

    Attributes:
        question: what a search is asked; its target carries the noise of full fine-tuning.
        truth: d at which the noiseless accuracy of the best rate crosses the noiseless target.
        rows: evaluation examples.
        full: measured accuracy of full fine-tuning.
        curves: accuracies (grid, seeds, rates, epochs).
    """

    question: Question
    truth: float
    rows: int
    full: float
    curves: np.ndarray

    def training(self, probe: Probe) -> Record:
        """A probe's training with all of its epochs."""
        question = self.question
        place = question.grid.index(probe.d), probe.seed
        rate = question.rates.at(probe.d).index(probe.learning_rate)
        return Record(probe, tuple(self.curves[(*place, rate)].tolist()))


@dataclass(frozen=True)
class Answer:
    """A search: its verdict, and the record of every probe."""

    verdict: Verdict
    records: dict[Probe, Record]

    @property
    def epochs(self) -> int:
        """The epochs trained."""
        return epochs_of(self.records.values())


def draw(
    profile: Profile, grid: Sequence[int], seed: int, shift: float = 0.1,
    rates: Sequence[float] = RATES, epochs: int = EPOCHS, slope: float = 0.0,
    relative: bool = False,
) -> Problem:  # fmt: skip
    """Draw a problem whose d₉₀ is log-uniform over the grid.

    The best learning rate lies somewhere in the list and follows the power ``slope`` of d, give or
    take 0.08, and the question says so; a ``relative`` one lies about the list's middle at all d.
    ``shift`` is the standard deviation, in decades, of the neighbouring checkpoint's d₉₀ around
    this one; one cell in twenty has no neighbour.
    """
    offered = Rates(tuple(rates)) if relative else listed(rates, slope, grid)
    generator = numpy_generator(seed, "simulated cell")
    rows, majority = profile.rows, profile.majority
    full = generator.uniform(*profile.full)
    top = full * generator.uniform(0.97, 1.01)
    logs, log_rates = np.log10(grid), np.log10(rates)
    steepness = 4.39 / generator.uniform(0.8, 2.5)
    wanted = generator.uniform(logs[0], logs[-1])
    fine = np.linspace(logs[0] - 2, logs[-1] + 2, 4000)
    anywhere = generator.uniform(log_rates.min(), log_rates.max()) + generator.normal(0, 0.1)
    best_rate = generator.normal(offered.centre, _ABOUT) if relative else anywhere
    drift = slope + generator.normal(0, 0.08)

    def accuracy(at: np.ndarray, middle: float) -> np.ndarray:
        off = (log_rates - (best_rate + drift * (at[:, None] - wanted))) / _RATE_WIDTH
        rise = 1 / (1 + np.exp(-steepness * (at[:, None] - middle)))
        return np.asarray(majority + (top - majority) * rise * np.exp(-(off**4)))

    middle, truth = _crossing(
        lambda middle: accuracy(fine, middle).max(1), fine, wanted, 0.9 * full
    )
    shape = (len(logs), SEEDS, len(rates), epochs)
    level = np.broadcast_to(accuracy(logs, middle)[:, None, :, None], shape)
    ahead = (log_rates - best_rate)[None, None, :, None]
    done = _learned(profile, ahead, shape, generator)
    seeds = _seeds(profile, shape, generator)
    mean = np.clip(majority + (level - majority) * done + seeds, 0.0, 1.0)
    common = generator.standard_normal()
    curves = _measured(mean, common, rows, generator, 3)
    measured = _full(profile, full, common, epochs, generator)
    question = Question(
        tuple(grid),
        0.9 * measured,
        offered,
        full=measured,
        evaluations=epochs,
        chance=majority,
        chance_error=binomial_error(majority, rows),
        target_error=binomial_error(0.9 * measured, rows),
        near=_neighbour(truth, offered, best_rate, shift, generator),
    )
    return Problem(question, truth, rows, measured, curves)


def _seeds(profile: Profile, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """What seeds add to accuracies (grid, seeds, rates, epochs): of P, of a training, of epochs."""
    return np.asarray(
        profile.seed_error
        * (
            0.7 * generator.standard_normal((*shape[:2], 1, 1))
            + 0.7 * generator.standard_normal((*shape[:3], 1))
            + 0.3 * generator.standard_normal(shape)
        )
    )


def _crossing(
    curve: Callable[[float], np.ndarray], fine: np.ndarray, wanted: float, target: float
) -> tuple[float, float]:
    """The middle that moves a curve over ``fine`` to its target at ``wanted``, and the d there."""
    over = curve(wanted) >= target
    middle = wanted - (fine[np.argmax(over) if over.any() else -1] - wanted)
    over = curve(middle) >= target
    return middle, 10 ** fine[np.argmax(over)] if over.any() else math.inf


def _learned(
    profile: Profile, ahead: np.ndarray, shape: tuple[int, ...], generator: np.random.Generator
) -> np.ndarray:
    """How much of what a training learns it has learned after each epoch, 1 after the last.

    ``shape`` is (grid, seeds, rates, epochs); ``ahead`` says by how many decades a learning rate is
    above the best one, and so learns sooner.
    """
    epochs = shape[-1]
    pace = np.exp(generator.normal(math.log(profile.pace), 0.4, (*shape[:2], 1, 1)))
    tau = epochs * pace * 10 ** (-ahead / 2)
    bend = generator.uniform(1.0, 1.8)
    late = generator.uniform(0, 0.5) if generator.random() < profile.late else 0.0
    wait = epochs * late * generator.uniform(0.6, 1.0, (*shape[:3], 1))
    passed = np.maximum(np.arange(1, epochs + 1) - wait, 0)
    whole = np.expm1(-(((epochs - wait) / tau) ** bend))
    return np.asarray(np.expm1(-((passed / tau) ** bend)) / whole)


def _full(
    profile: Profile, full: float, common: float, epochs: int, generator: np.random.Generator
) -> float:
    """Measured accuracy of full fine-tuning: the best epoch of its learning rates' best run."""
    runs = np.clip(
        full
        + profile.seed_error * generator.standard_normal((_FULL_RATES, 1))
        - 0.004 * np.arange(_FULL_RATES)[:, None]
        + np.zeros(epochs),
        0,
        1,
    )
    return float(_measured(runs, common, profile.rows, generator, 1).max())


def _measured(
    mean: np.ndarray, common: float, rows: int, generator: np.random.Generator, run_axes: int
) -> np.ndarray:
    """Accuracies k/rows with the evaluation's noise; the last axis are a training's epochs."""
    error = np.sqrt(mean * (1 - mean) / rows)
    own = generator.standard_normal((*mean.shape[:run_axes], 1))
    noise = math.sqrt(_COMMON) * common + math.sqrt(_OWN) * own
    noise = noise + math.sqrt(_EPOCH) * generator.standard_normal(mean.shape)
    return np.asarray(np.round(np.clip(mean + error * noise, 0, 1) * rows) / rows)


def _neighbour(
    truth: float, rates: Rates, best_rate: float, shift: float, generator: np.random.Generator
) -> Near | None:
    place = min(math.log10(truth), 9.0) + shift * generator.standard_normal()
    rate = min(rates.multiples, key=lambda one: abs(math.log10(one) - best_rate))
    if generator.random() < 0.05:
        return None
    d90 = round(10**place)
    return Near(d90, rates.decades(d90, rate))


def answer(problem: Problem, strategy: Strategy) -> tuple[Verdict, dict[Probe, Record]]:
    """Let a strategy search a problem; see `drive`."""
    return drive(strategy, lambda probe, stop: cut(problem.training(probe), stop))


def epochs_of(records: Iterable[Record]) -> int:
    """The epochs that trainings had together."""
    return sum(len(record.curve) for record in records)


def expected_epochs(
    protocol: ProtocolName,
    config: EfficientConfig,
    grid: Sequence[int],
    rates: Sequence[float],
    profile: Profile,
    *,
    neighbours: bool = True,
    relative: bool = False,
    an_epoch: int = 1,
) -> float:
    """Epochs that a search of one seed trains on average, of simulated cells of a profile.

    A whole training has `EPOCHS` of them, each with ``an_epoch`` evaluations. Without
    ``neighbours`` no cell knows another's answer.
    """
    problems = [
        draw(profile, grid, seed, rates=rates, relative=relative, epochs=EPOCHS * an_epoch)
        for seed in range(CELLS)
    ]
    trained = 0
    for problem in problems:
        question = problem.question if neighbours else replace(problem.question, near=None)
        _, records = answer(problem, PROTOCOLS[protocol](question, config))
        trained += epochs_of(records.values())
    return trained / an_epoch / len(problems)
