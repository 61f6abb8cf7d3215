from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch

from benchmarks import known_answers
from benchmarks.known_answers import measure
from benchmarks.objectives import ConjugateGradients, Objective, Quadratic, Teacher, Weights
from pipeline.dimension.levers import EfficientConfig
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.dense import DenseGaussian
from pipeline.subspace.fastfood import Fastfood
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.loop import train
from pipeline.training.parameters import FlatParameters, Full

FAMILIES = {"dense": DenseGaussian, "fastfood": Fastfood}
PROJECTIONS = tuple(FAMILIES)


def did(projection: str) -> SubspaceConfig:
    return SubspaceConfig(method="did", projection=projection)  # type: ignore[arg-type]


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("k", [3, 8, 11])
def test_a_quadratic_is_solved_from_d_equal_to_k_on(projection: str, k: int) -> None:
    objective = Quadratic(k, seed=k)
    scores = [objective.probe(did(projection), d, seed=5) for d in (k - 1, k, k + 1, 2 * k)]
    assert scores[0] < 1e-6
    assert scores[1:] == pytest.approx([1, 1, 1])


def least_squares(objective: Quadratic, config: SubspaceConfig, d: int, seed: int) -> float:
    """The least loss in a subspace, by a dense solver instead of the loop."""
    projection = Subspace(FlatParameters(Weights(objective.size)), config, d, seed).projection
    p = projection.dense()[objective._dealt].numpy()
    ap = p.reshape(objective.k, -1, d).sum(1) / math.sqrt(objective.size // objective.k)
    goal = objective._goal.numpy()
    return float(np.square(ap @ np.linalg.lstsq(ap, goal, rcond=None)[0] - goal).sum())


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_training_ends_at_the_least_loss_there_is(projection: str) -> None:
    objective, losses = Quadratic(9), []
    objective.score = lambda model: losses.append(float(objective.loss(model, None))) or 0.0  # type: ignore
    for d in (4, 8):
        objective.probe(did(projection), d, seed=2)
        assert losses[-1] == pytest.approx(
            least_squares(objective, did(projection), d, 2), rel=1e-9
        )


def test_fastfood_is_no_stranger_to_aligned_runs() -> None:
    """Why the sets are dealt at random: sums over aligned runs of 2^j see a part of H only."""
    objective = Quadratic(8, aligned=True)
    assert all(objective.probe(did("dense"), 8, seed) > 0.99 for seed in range(3))
    assert all(objective.probe(did("fastfood"), 8, seed) < 0.01 for seed in range(3))


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_projection_that_crops_is_found_out(
    projection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were only a part of θ^d used, as in public code, d₉₀ would come out too large."""
    whole = FAMILIES[projection].pull_back

    def cropped(self, gradient, theta, scales):
        by_theta, by_scale = whole(self, gradient, theta, scales)
        by_theta[-2:] = 0
        return by_theta, by_scale

    monkeypatch.setattr(FAMILIES[projection], "pull_back", cropped)
    assert Quadratic(8).probe(did(projection), 8, seed=5) < 1e-6
    assert Quadratic(8).probe(did(projection), 10, seed=5) == pytest.approx(1)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_teachers_accuracy_has_the_median_that_is_claimed(projection: str) -> None:
    objective = Teacher(16, seed=0, rows=4000)
    d = round(objective.truth)
    scores = [objective.probe(did(projection), d, seed) for seed in range(24)]
    assert np.median(scores) == pytest.approx(0.9, abs=0.04)
    assert np.median(scores[:8]) > objective.probe(did(projection), 4, 0)
    assert objective.probe(did(projection), 16, 0) == 1


def test_the_teachers_truth_lies_a_little_below_its_large_k_limit() -> None:
    for k in (16, 64, 400):
        assert 0.85 * k < Teacher(k, 0, rows=1).truth < math.cos(math.pi / 10) ** 2 * k
    assert Teacher(400, 0, rows=1).truth == pytest.approx(0.9045 * 400, rel=0.01)


@pytest.mark.parametrize("objective", [Quadratic(6), Teacher(12, 0)])
def test_without_a_subspace_the_score_is_one(objective: Objective) -> None:
    model = Weights(objective.size)
    full = Full(FlatParameters(model))
    optimizer = ConjugateGradients(full.vector)
    for _ in train(
        model, full, optimizer, lambda index: 0.0, lambda index: [torch.empty(0)], objective.loss,
        seed=0, start=0, stop=60,
    ):  # fmt: skip
        pass
    optimizer.settle()
    with torch.no_grad():
        assert objective.score(model) == pytest.approx(1)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_the_search_finds_k(projection: str) -> None:
    scores: dict[str, float] = {}
    run = measure("quadratic", projection, 3, scores, EfficientConfig())
    assert run.right and run.low < run.k <= run.high
    # What is known is not trained again.
    known = dict.fromkeys(scores, 0.0) | scores
    assert measure("quadratic", projection, 3, known, EfficientConfig()) == run
    assert known == scores


def test_a_teacher_is_searched_as_precisely_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    # The median over P for every P.
    def probe(objective: Teacher, config: SubspaceConfig, d: int, seed: int) -> float:
        share = min(d / objective.truth * math.cos(math.pi / 10) ** 2, 1)
        return 1 - math.acos(math.sqrt(share)) / math.pi

    monkeypatch.setattr(Teacher, "probe", probe)
    runs = [
        measure("teacher", "dense", 5, {}, EfficientConfig(precision=precision, budget=40))
        for precision in (1.3, 1.12)
    ]
    assert all(run.right and run.d90 == pytest.approx(run.truth, rel=0.1) for run in runs)
    assert runs[0].probes < runs[1].probes <= 40 and runs[1].ratio <= 1.12 < runs[0].ratio <= 1.3
    short = measure("teacher", "dense", 5, {}, EfficientConfig(precision=1.01, budget=4))
    assert short.probes == 4


def test_the_table_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["known_answers", "--runs", "1", "--only", "quadratic"]
    monkeypatch.setattr(sys, "argv", arguments)
    known_answers.main()
    printed = capsys.readouterr().out
    assert "| quadratic | dense |" in printed and "| quadratic | fastfood |" in printed
    assert printed.count("1 of 1") == 2
