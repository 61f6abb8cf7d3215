"""Fine-tuning on a task through any trainable: scores along the way, the best one kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from torch import nn

from pipeline.finetuning.batches import Batches
from pipeline.finetuning.evaluation import Evaluation, score
from pipeline.finetuning.recipe import Recipe
from pipeline.tasks import Split
from pipeline.training.loop import Trainable, train
from pipeline.training.optimizers import make_optimizer
from pipeline.training.schedules import schedule

# What a stop rule says of why it ended a run.
Ended = TypeVar("Ended")


@dataclass(frozen=True)
class EpochScore:
    """Scores of one evaluation.

    An epoch here is the piece of training between two evaluations: one pass over the training
    examples, unless the recipe caps the updates or says how many evaluations there are.

    Attributes:
        epoch: its number, from 1.
        loss: its mean training loss.
        metric: the evaluation metric that decides, ``others`` the task kind's further ones.
        share: how much of the whole run's updates was done by then.
    """

    epoch: int
    loss: float
    metric: float
    others: dict[str, float] = field(default_factory=dict)
    share: float = 0.0


@dataclass(frozen=True)
class Run(Generic[Ended]):
    """A finished run.

    Attributes:
        epochs: the scores of every epoch that was finished.
        best: the first epoch of the highest evaluation metric.
        train_metric: the metric on training examples there, without dropout.
        vector: what the trainable's vector was there.
        answers: the answers to the evaluation examples there, packed by the task kind.
        diverged: the loss left the finite numbers.
        ended: why the stop rule ended the run; None where it did not.
        tokens: those trained on.
        evaluated: the examples of all evaluations.
    """

    epochs: tuple[EpochScore, ...]
    best: EpochScore | None
    train_metric: float | None
    vector: torch.Tensor | None
    answers: str | None
    diverged: bool
    ended: Ended | None
    tokens: int
    evaluated: int


def fine_tune(
    model: nn.Module,
    trainable: Trainable,
    training: Split,
    evaluation: Split,
    recipe: Recipe,
    seed: int,
    *,
    stop: Callable[[Sequence[float]], Ended | None] = lambda curve: None,
    evaluate: Callable[[nn.Module, Split, int], Evaluation] = score,
    on_epoch: Callable[[EpochScore], None] = lambda score: None,
) -> Run[Ended]:
    """Train all of the recipe's updates, or until ``stop`` says why from the metrics so far.

    ``evaluate`` scores the model at each evaluation, by default on the whole evaluation split.
    """
    steps = math.ceil(len(training) / recipe.batch)
    batches = Batches(training, recipe.batch, steps, seed, trainable.vector.device)
    best, ended, diverged = _Best(), None, False
    scores: list[EpochScore] = []
    for share, loss in _epochs(model, trainable, batches, recipe, seed):
        diverged = not math.isfinite(loss)
        if diverged:
            break
        trainable.materialize()
        seen = evaluate(model, evaluation, recipe.batch)
        scores.append(EpochScore(len(scores) + 1, loss, seen.metric, seen.others, share))
        on_epoch(scores[-1])
        best.take(scores[-1], seen, trainable.vector)
        ended = stop([epoch.metric for epoch in scores])
        if ended is not None:
            break
    train_metric = None
    if best.vector is not None:
        restore(trainable, best.vector)
        sample = training.sample(recipe.train_eval_rows)
        train_metric = score(model, sample, recipe.batch).metric
    return Run(
        epochs=tuple(scores),
        best=best.score,
        train_metric=train_metric,
        vector=best.vector,
        answers=best.packed(evaluation),
        diverged=diverged,
        ended=ended,
        tokens=batches.tokens,
        evaluated=best.rows,
    )


@dataclass
class _Best:
    """The best epoch so far, with what belongs to it; ``rows`` counts all evaluations' examples."""

    score: EpochScore | None = None
    seen: Evaluation | None = None
    vector: torch.Tensor | None = None
    rows: int = 0

    def take(self, score: EpochScore, seen: Evaluation, vector: torch.Tensor) -> None:
        self.rows += seen.rows
        if self.score is None or score.metric > self.score.metric:
            self.score, self.seen, self.vector = score, seen, vector.detach().clone()

    def packed(self, evaluation: Split) -> str | None:
        if self.seen is None or self.seen.answers is None:
            return None
        return evaluation.kind.pack(self.seen.answers, evaluation.labels)


def _epochs(
    model: nn.Module, trainable: Trainable, batches: Batches, recipe: Recipe, seed: int
) -> Iterator[tuple[float, float]]:
    """Train, yielding at each evaluation the share of the run that is done and the mean loss."""
    due = recipe.evaluated_after(len(batches.split))
    total = due[-1]
    rate = schedule("linear", recipe.learning_rate, round(recipe.warmup_fraction * total), total)
    optimizer = make_optimizer(trainable.vector, recipe.optimizer)
    losses, begun = torch.zeros((), device=trainable.vector.device), 0
    for step in train(
        model, trainable, optimizer, rate, batches, _loss, seed=seed, start=0, stop=total
    ):
        losses += step.loss
        if step.done in due:
            yield step.done / total, float(losses) / (step.done - begun)
            begun = step.done
            losses.zero_()


def restore(trainable: Trainable, vector: torch.Tensor) -> None:
    """Set the trainable's vector and write the weights that belong to it."""
    with torch.no_grad():
        trainable.vector.copy_(vector)
    trainable.materialize()


def _loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    loss: torch.Tensor = model(**batch).loss
    return loss
