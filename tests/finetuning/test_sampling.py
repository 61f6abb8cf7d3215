from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.finetuning.evaluation import score
from pipeline.finetuning.sampling import SampledEvaluation
from pipeline.tasks import Split
from pipeline.tasks.kinds import make_kind

ROWS = 8192


class Oracle(nn.Module):
    """Answers right for a share of the rows: those whose second token is below the share."""

    def __init__(self, share: int) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.share = share

    def forward(self, input_ids, attention_mask):
        label, place = input_ids[:, 0], input_ids[:, 1]
        answer = torch.where(place < self.share, label, 1 - label)
        return type("Output", (), {"logits": nn.functional.one_hot(answer, 2).float()})


class Noisy(nn.Module):
    """Answers with the first token, and noise of a spread from the second."""

    def __init__(self, spread: float) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.spread = spread

    def forward(self, input_ids, attention_mask):
        logits = input_ids[:, :1] + self.spread * input_ids[:, 1:2]
        return type("Output", (), {"logits": logits.float()})


def split(rows: int = ROWS, metric: str = "accuracy") -> Split:
    generator = np.random.default_rng(0)
    places = generator.permutation(rows) * 100 // rows
    if metric in ("pearson", "spearman"):
        labels = generator.integers(0, 100, rows).astype(float)
        kind = make_kind("regression", (), metric)
    else:
        labels, kind = generator.integers(0, 2, rows), make_kind("classification", "ab", metric)
    ids = [np.array(pair, dtype=np.int32) for pair in zip(labels, places, strict=True)]
    return Split(ids, labels, pad_id=0, kind=kind)


def at(target: float, share: int, **options):
    return SampledEvaluation(target, 1)(Oracle(share), split(**options), 64)


def test_a_small_sample_far_below_the_target_is_enough() -> None:
    seen = at(0.8, 60)
    assert seen.rows == ROWS // 16 and seen.answers is None
    assert seen.metric == pytest.approx(0.6, abs=0.07)


def test_the_sample_grows_as_the_metric_nears_the_target() -> None:
    sizes = [[sized(share, seed) for seed in range(12)] for share in (60, 75, 78, 85)]
    means = [np.mean(rows) for rows in sizes]
    assert means == sorted(set(means))
    assert means[0] == ROWS // 16 and means[-1] == ROWS
    assert {ROWS % rows for each in sizes for rows in each} == {0}


def sized(share: int, seed: int) -> int:
    return SampledEvaluation(0.8, seed)(Oracle(share), split(), 256).rows


@pytest.mark.parametrize("share", [80, 95, 100])
def test_only_a_metric_of_all_examples_reaches(share: int) -> None:
    seen, whole = at(0.8, share), score(Oracle(share), split(), 64)
    assert (seen.metric, seen.others, seen.rows) == (whole.metric, whole.others, ROWS)
    assert np.array_equal(seen.answers, whole.answers)


def test_a_metric_that_reaches_is_seldom_taken_for_one_that_does_not() -> None:
    """Two standard errors at each of at most four sizes."""
    missed = [
        SampledEvaluation(0.8, seed)(Oracle(80), split(), 256).answers is None for seed in range(40)
    ]
    assert np.mean(missed) <= 0.1


@pytest.mark.parametrize("target", [1.0, 0.0])
def test_targets_without_an_error_are_no_trap(target: float) -> None:
    assert at(target, 60).rows == (ROWS // 16 if target else ROWS)
    assert at(target, 100).rows == ROWS


def test_the_sample_is_fixed_by_the_seed() -> None:
    first, again = (at(0.8, 40).metric for _ in range(2))
    others = {SampledEvaluation(0.8, seed)(Oracle(40), split(), 16).metric for seed in range(5)}
    assert first == again and len(others) > 1


def test_few_examples_are_all_tried() -> None:
    seen = at(0.8, 40, rows=256)
    assert seen.rows == 256 and seen.answers is not None


@pytest.mark.parametrize("metric", ["f1", "matthews", "pearson", "spearman"])
def test_every_kind_has_an_error_of_a_sample(metric: str) -> None:
    rows = split(1024, metric)
    good, bad = (Noisy(0.1), Noisy(9.0)) if rows.labels.dtype == float else (Oracle(99), Oracle(60))
    evaluate = SampledEvaluation(score(good, rows, 64).metric, 1)
    assert evaluate(good, rows, 64).rows == 1024
    assert evaluate(bad, rows, 64).rows < 1024
