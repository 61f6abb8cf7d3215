from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pipeline.finetuning.batches import bucketed, collate
from pipeline.finetuning.evaluation import predict
from pipeline.finetuning.loop import fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.tasks import Split
from pipeline.tasks.kinds import make_kind
from pipeline.training.optimizers import AdamW
from pipeline.training.parameters import FlatParameters, Full


class Bag(nn.Module):
    """A classifier over bags of tokens that speaks a transformers model's interface."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(20, 2)
        self.dropout = nn.Dropout(0.2)

    def forward(self, input_ids, attention_mask, labels=None):
        scores = self.dropout(self.embedding(input_ids)) * attention_mask.unsqueeze(-1)
        logits = scores.sum(1)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return type("Output", (), {"logits": logits, "loss": loss})


KIND = make_kind("classification", ("no", "yes"))


def split(rows: int, seed: int = 0) -> Split:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, rows)
    ids = [
        np.concatenate([[2 + label], generator.integers(4, 20, generator.integers(1, 9))])
        for label in labels
    ]
    return Split([row.astype(np.int32) for row in ids], labels, pad_id=1, kind=KIND)


RECIPE = Recipe(4, 8, 0.1, 0.1, AdamW(weight_decay=0.0))


def run(recipe: Recipe = RECIPE, **options):
    model = Bag()
    trainable = Full(FlatParameters(model))
    return model, fine_tune(model, trainable, split(100), split(60, 1), recipe, 3, **options)


def test_training_learns_and_keeps_the_best_epoch() -> None:
    model, done = run()
    assert len(done.epochs) == 4 and not done.diverged
    assert done.best is not None and done.best.metric == max(s.metric for s in done.epochs) > 0.9
    assert done.best.epoch == min(s.epoch for s in done.epochs if s.metric == done.best.metric)
    # The model is left at the best epoch.
    right = predict(model, split(60, 1), 8) == split(60, 1).labels
    assert right.mean() == done.best.metric


def test_runs_repeat_bit_for_bit_whatever_the_global_state() -> None:
    results = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        results.append(run()[1])
    assert torch.equal(results[0].vector, results[1].vector)
    assert results[0].epochs == results[1].epochs


def test_the_rule_stops_at_that_epoch() -> None:
    _, done = run(stop=lambda curve: curve[-1] > 0.0)
    assert len(done.epochs) == 1
    assert done.epochs[0] == run()[1].epochs[0]


def test_evaluations_need_not_be_epochs() -> None:
    """Training is the same whenever it is looked at: the scores at the same updates are too."""
    whole, finer, coarser = (run(replace(RECIPE, evaluations=count))[1] for count in (None, 8, 1))
    assert [score.epoch for score in finer.epochs] == list(range(1, 9))
    assert [score.share for score in finer.epochs] == [round(k * 52 / 8) / 52 for k in range(1, 9)]
    assert [score.share for score in whole.epochs] == [0.25, 0.5, 0.75, 1.0]
    assert [score.metric for score in finer.epochs][1::2] == [
        score.metric for score in whole.epochs
    ]
    assert [score.metric for score in coarser.epochs] == [whole.epochs[-1].metric]


@given(st.integers(1, 500), st.integers(1, 12), st.integers(1, 60), st.none() | st.integers(1, 90))
def test_evaluations_are_spread_evenly(
    rows: int, epochs: int, evaluations: int, cap: int | None
) -> None:
    recipe = Recipe(epochs, 8, 0.1, 0.1, AdamW(weight_decay=0.0), max_steps=cap)
    total, each = recipe.updates(rows), recipe.evaluated_after(rows)
    finer = replace(recipe, evaluations=evaluations).evaluated_after(rows)
    for due in (each, finer):
        assert due[-1] == total and due[0] >= 1 and list(due) == sorted(set(due))
    assert len(each) <= epochs and (cap is not None or len(each) == epochs)
    assert len(finer) == min(evaluations, total)
    gaps = np.diff((0, *finer))
    assert max(gaps) - min(gaps) <= 1


def test_tokens_are_counted_without_padding() -> None:
    _, done = run()
    assert done.tokens == 4 * sum(len(row) for row in split(100).input_ids)


def test_divergence_is_noticed() -> None:
    model = Bag()
    with torch.no_grad():
        model.embedding.weight.fill_(torch.nan)
    done = fine_tune(model, Full(FlatParameters(model)), split(20), split(20), RECIPE, 0)
    assert done.diverged and done.best is None and done.vector is None


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=300), st.integers(1, 40), st.integers(0, 5)
)
def test_each_row_comes_once_an_epoch(lengths: list[int], batch: int, epoch: int) -> None:
    batches = bucketed(np.array(lengths), batch, 0, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch)
    assert max(map(len, batches)) <= batch


def test_bucketing_pads_little() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 5000)
    padded = sum(int(lengths[rows].max()) * len(rows) for rows in bucketed(lengths, 20, 0, 0))
    assert padded / lengths.sum() < 1.1


def test_collating_pads_to_a_multiple_of_eight() -> None:
    rows = [np.array([5, 6, 7]), np.arange(9)]
    made = collate(rows, 1, torch.device("cpu"))
    assert made["input_ids"].shape == (2, 16)
    assert made["input_ids"][0].tolist() == [5, 6, 7] + [1] * 13
    assert made["attention_mask"].sum(1).tolist() == [3, 9]


def test_predictions_keep_the_order_of_the_rows() -> None:
    model, _ = run()
    rows = split(60, 1)
    single = [
        int(predict(model, Split([row], rows.labels[:1], 1, KIND), 8)[0]) for row in rows.input_ids
    ]
    assert predict(model, rows, 8).tolist() == single


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch": 0}, {"learning_rates": ()}, {"learning_rates": (-1.0,)},
     {"warmup_fraction": 1.0}, {"dropout": 1.0}, {"train_eval_rows": 0}],
)  # fmt: skip
def test_impossible_recipes_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FinetuneConfig(**wrong)
