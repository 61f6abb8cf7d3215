from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.finetuning.evaluation import score
from pipeline.probes.sampling import SampledEvaluation
from pipeline.tasks import Split
from pipeline.tasks.kinds import make_kind


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


def split(rows: int = 400) -> Split:
    labels = np.arange(rows) % 2
    places = np.arange(rows) % 100
    ids = [
        np.array([label, place], dtype=np.int32)
        for label, place in zip(labels, places, strict=True)
    ]
    return Split(ids, labels, pad_id=0, kind=make_kind("classification", ("a", "b")))


SAMPLED = SampledEvaluation(rows=100, target=0.8, target_error=0.04, seed=3)


def test_a_sample_far_below_the_target_is_enough():
    seen = SAMPLED(Oracle(40), split(), 16)
    assert seen.rows == 100 and seen.answers is None
    assert seen.metric < SAMPLED.threshold() < 0.8


@pytest.mark.parametrize("share", [80, 95])
def test_near_the_target_every_example_counts(share):
    seen, whole = SAMPLED(Oracle(share), split(), 16), score(Oracle(share), split(), 16)
    assert (seen.metric, seen.others, seen.rows) == (whole.metric, whole.others, 400)
    assert np.array_equal(seen.answers, whole.answers)


def test_the_sample_is_fixed_by_the_seed():
    model = Oracle(40)
    first, again = (SAMPLED(model, split(), 16).metric for _ in range(2))
    others = {
        SampledEvaluation(100, 0.8, 0.04, seed)(model, split(), 16).metric for seed in range(5)
    }
    assert first == again and len(others) > 1


def test_a_sample_of_everything_is_the_whole():
    seen = SampledEvaluation(1000, 0.8, 0.04, 3)(Oracle(40), split(), 16)
    assert seen.rows == 400 and seen.metric == pytest.approx(0.4)
