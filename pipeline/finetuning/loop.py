"""Fine-tuning on a task through any trainable: scores at each epoch, the best one kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from pipeline.finetuning.batches import Batches
from pipeline.finetuning.evaluation import Evaluation, score
from pipeline.finetuning.recipe import Recipe
from pipeline.tasks import Split
from pipeline.training.loop import Trainable, train
from pipeline.training.optimizers import make_optimizer
from pipeline.training.schedules import schedule

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class EpochScore:
    """Scores after one epoch (counted from 1); ``loss`` is its mean training loss.

    With capped updates an epoch here is the piece of training between two evaluations.
    """

    epoch: int
    loss: float
    accuracy: float
    f1: float | None


@dataclass(frozen=True)
class Run:
    """A finished run. ``best`` is the first epoch of the highest evaluation accuracy.

    ``vector`` is what the trainable's vector was at that epoch, and ``correct`` which evaluation
    examples were right; ``train_accuracy`` is measured there without dropout. A run whose loss left
    the finite numbers is ``diverged``; it keeps the epochs it finished before that. ``complete``
    runs were not ended by their stop rule; ``evaluated`` counts the examples of all evaluations.
    """

    epochs: tuple[EpochScore, ...]
    best: EpochScore | None
    train_accuracy: float | None
    vector: torch.Tensor | None
    correct: np.ndarray | None
    diverged: bool
    complete: bool
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
    stop: Callable[[Sequence[float]], bool] = lambda curve: False,
    evaluate: Callable[[nn.Module, Split, int], Evaluation] | None = None,
    on_epoch: Callable[[EpochScore], None] = lambda score: None,
) -> Run:
    """Train for ``recipe.epochs`` epochs, or until ``stop`` says so from the accuracies so far.

    ``evaluate`` scores the model after an epoch, by default on the whole evaluation split.
    """
    total = recipe.updates(len(training))
    interval = math.ceil(total / recipe.epochs)
    steps = math.ceil(len(training) / recipe.batch)
    batches = Batches(training, recipe.batch, steps, seed, trainable.vector.device)
    rate = schedule("linear", recipe.learning_rate, round(recipe.warmup_fraction * total), total)
    optimizer = make_optimizer(trainable.vector, recipe.optimizer)
    loop = train(model, trainable, optimizer, rate, batches, _loss, seed=seed, start=0, stop=total)
    losses = torch.zeros((), device=trainable.vector.device)
    scores: list[EpochScore] = []
    best: EpochScore | None = None
    vector: torch.Tensor | None = None
    correct: np.ndarray | None = None
    diverged = stopped = False
    evaluated = begun = 0
    for step in loop:
        losses += step.loss
        if step.done % interval and step.done < total:
            continue
        mean = float(losses) / (step.done - begun)
        begun = step.done
        losses.zero_()
        diverged = not math.isfinite(mean)
        if diverged:
            break
        trainable.materialize()
        seen = (evaluate or score)(model, evaluation, recipe.batch)
        evaluated += seen.rows
        scores.append(EpochScore(len(scores) + 1, mean, seen.accuracy, seen.f1))
        on_epoch(scores[-1])
        if best is None or seen.accuracy > best.accuracy:
            best, correct = scores[-1], seen.correct
            vector = trainable.vector.detach().clone()
        stopped = stop([epoch.accuracy for epoch in scores])
        if stopped:
            break
    train_accuracy = None
    if vector is not None:
        restore(trainable, vector)
        sample = training.head(recipe.train_eval_rows)
        train_accuracy = score(model, sample, recipe.batch).accuracy
    return Run(
        tuple(scores), best, train_accuracy, vector, correct, diverged, not stopped,
        batches.tokens, evaluated,
    )  # fmt: skip


def restore(trainable: Trainable, vector: torch.Tensor) -> None:
    """Set the trainable's vector and write the weights that belong to it."""
    with torch.no_grad():
        trainable.vector.copy_(vector)
    trainable.materialize()


def _loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    loss: torch.Tensor = model(**batch).loss
    return loss
