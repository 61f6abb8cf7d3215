"""What is advised where full fine-tuning is no better than chance, by how it went."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pipeline.common.status import Status
from pipeline.finetuning.advice import what_to_try
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import Cost, FullResult

FULL = FullResult(
    "s0", "easy", 0, "accuracy", 0.5, 0.02, Status.BASELINE_AT_CHANCE, "no better", 1000,
    Cost(1, 1, 1.0), {}, full_metric=0.51,
)  # fmt: skip
CONFIG = FinetuneConfig(epochs=3, learning_rates=(0.001, 0.002))


@pytest.mark.parametrize(
    ("status", "train", "words"),
    [
        (Status.OK, 0.9, ""),
        (Status.BASELINE_AT_CHANCE, 0.93, r"learns its training rows \(accuracy 0.93 .*data.train_rows; now 1,000\), then a larger model"),
        (Status.BASELINE_AT_CHANCE, 0.55, r"hardly learns .*0.55 on them\): try more finetune.epochs \(now 3\) or other learning_rates \(now 0.001, 0.002\)"),
        (Status.TARGET_BELOW_CHANCE, 0.9, "search.target: chance_corrected"),
        (Status.DIVERGED, None, r"smaller finetune.learning_rates \(now 0.001, 0.002\)"),
    ],
    ids=["fine", "overfits", "underfits", "lopsided", "diverged"],
)  # fmt: skip
def test_the_likeliest_remedy_comes_first(status: Status, train: float | None, words: str) -> None:
    said = what_to_try(replace(FULL, status=status, train_metric=train), CONFIG, 1000, "")
    assert re.search(words, said) and bool(said) == bool(words)


def test_a_scale_that_training_does_not_come_to_goes_first() -> None:
    said = what_to_try(replace(FULL, train_metric=0.5), CONFIG, 1000, "the numbers are 1900 ± 30")
    assert "on them): the numbers are 1900 ± 30; then try more finetune.epochs" in said
