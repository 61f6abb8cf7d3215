"""Fine-tuning on a task through any trainable: scores at each epoch, the best one kept."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.optim import adamw, schedule
from pipeline.recipe import Recipe
from pipeline.seeds import isolated, numpy_generator
from pipeline.tasks import Split, accuracy, f1
from pipeline.train import Trainable, train

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Batches are cut from pools of this many batches sorted by length, so that little is padding.
_POOL_BATCHES = 50
_PAD_MULTIPLE = 8
# A pooling layer belongs to the head: models that were pretrained without one lack it.
_POOLER = re.compile(r"\bpooler\b")
# How the architectures name the dropout of hidden states, of attention, and of the new head. What
# a configuration leaves at None follows another of its names, and stays so.
_DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob",
    "dropout", "attention_dropout", "hidden_dropout", "classifier_dropout", "dropout_rate",
    "embedding_dropout", "mlp_dropout", "embd_pdrop", "attn_pdrop", "resid_pdrop",
    "pooler_dropout", "summary_last_dropout", "summary_first_dropout", "seq_classif_dropout",
)  # fmt: skip


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
class Evaluation:
    """One evaluation: ``correct`` says which examples were right, ``rows`` how many were tried.

    ``correct`` covers the whole evaluation set, and is None where only a part of it was tried.
    """

    accuracy: float
    f1: float | None
    correct: np.ndarray | None
    rows: int

    @staticmethod
    def of(predictions: np.ndarray, labels: np.ndarray, binary: bool) -> Evaluation:
        """Judge the predictions of a whole evaluation set; F1 only where there are two labels."""
        return Evaluation(
            accuracy(predictions, labels),
            f1(predictions, labels) if binary else None,
            predictions == labels,
            len(labels),
        )


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


def open_classifier(
    model_dir: Path, labels: int, dropout: float | None, seed: int, device: torch.device
) -> PreTrainedModel:
    """Load a checkpoint with a new classification head, drawn from ``(seed, "head")``.

    ``dropout`` is that of the hidden states, of attention and of the head; None leaves the
    checkpoint's own.

    Raises:
        UserError: the folder holds no model that can classify, lacks weights of it, or has no
            dropout that could be set.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(model_dir, num_labels=labels)
        if dropout is not None:
            _set_dropout(config, dropout, model_dir)
        with isolated(seed, "head"):
            model, loading = AutoModelForSequenceClassification.from_pretrained(
                model_dir, config=config, dtype=torch.float32, output_loading_info=True
            )
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"{model_dir} is not a model that can classify: {error}") from None
    _check_whole(model, loading["missing_keys"], model_dir)
    return model.to(device)  # type: ignore[no-any-return]


def _set_dropout(config: Any, dropout: float, model_dir: Path) -> None:
    names = [name for name in _DROPOUTS if getattr(config, name, None) is not None]
    if not names:
        raise UserError(
            f"{model_dir} is a {config.model_type} without a dropout to set: set the task's "
            "finetune.dropout to null"
        )
    for name in names:
        setattr(config, name, dropout)


def _check_whole(model: PreTrainedModel, missing: Collection[str], model_dir: Path) -> None:
    """Only the head may be new: transformers would draw any other missing weight at random."""
    prefix = f"{model.base_model_prefix}."
    lost = sorted(name for name in missing if name.startswith(prefix) and not _POOLER.search(name))
    if lost:
        raise UserError(
            f"{model_dir} lacks {len(lost)} of the model's weights, such as {lost[0]}: it is not "
            f"a whole {model.config.model_type}"
        )


def compute_in_bfloat16(model: nn.Module) -> None:
    """Let every forward pass of the model run under bfloat16 autocast, in training and evaluation.

    The cast stands around the forward pass alone: kept over an update, autocast's copies of the
    weights would be those from before it.
    """
    kind = next(model.parameters()).device.type
    model.forward = torch.autocast(kind, dtype=torch.bfloat16)(model.forward)


def model_width(model_dir: Path) -> int:
    """Width of a checkpoint's hidden states."""
    from transformers import AutoConfig

    try:
        return int(AutoConfig.from_pretrained(model_dir).hidden_size)
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{model_dir} is not a model that can classify: {error}") from None


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
    batches = _Batches(training, recipe.batch, steps, seed, trainable.vector.device)
    rate = schedule("linear", recipe.learning_rate, round(recipe.warmup_fraction * total), total)
    optimizer = adamw(trainable.vector, recipe.optimizer)
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


def score(model: nn.Module, split: Split, batch: int) -> Evaluation:
    """Evaluate on a whole split."""
    return Evaluation.of(predict(model, split, batch), split.labels, split.binary)


def restore(trainable: Trainable, vector: torch.Tensor) -> None:
    """Set the trainable's vector and write the weights that belong to it."""
    with torch.no_grad():
        trainable.vector.copy_(vector)
    trainable.materialize()


@torch.no_grad()
def predict(model: nn.Module, split: Split, batch: int) -> np.ndarray:
    """Predicted label of each row, in the split's order; rows run sorted by length."""
    model.eval()
    device = next(model.parameters()).device
    order = np.argsort([len(row) for row in split.input_ids], kind="stable")
    predictions = np.empty(len(split), dtype=np.int64)
    width = 4 * batch
    for start in range(0, len(order), width):
        rows = order[start : start + width]
        inputs = _inputs(split, rows, device)
        predictions[rows] = model(**inputs).logits.argmax(-1).cpu().numpy()
    return predictions


def _inputs(split: Split, rows: np.ndarray, device: torch.device) -> dict[str, torch.Tensor]:
    """What a model is given for some rows of a split."""
    types = None if split.type_ids is None else [split.type_ids[row] for row in rows]
    return collate([split.input_ids[row] for row in rows], split.pad_id, device, types)


def collate(
    rows: Sequence[np.ndarray],
    pad_id: int,
    device: torch.device,
    types: Sequence[np.ndarray] | None = None,
) -> dict[str, torch.Tensor]:
    """Pad token rows to (rows, length) ids, mask and ``types``, length a multiple of 8."""
    longest = max(len(row) for row in rows)
    length = math.ceil(longest / _PAD_MULTIPLE) * _PAD_MULTIPLE
    ids = np.full((len(rows), length), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    made = {"input_ids": ids, "attention_mask": mask}
    if types is not None:
        made["token_type_ids"] = np.zeros_like(ids)
        for index, row in enumerate(types):
            made["token_type_ids"][index, : len(row)] = row
    return {name: torch.from_numpy(values).to(device) for name, values in made.items()}


@dataclass
class _Batches:
    """The micro-batch of each update, a pure function of its index; counts the tokens it served."""

    split: Split
    batch: int
    steps: int
    seed: int
    device: torch.device
    tokens: int = 0

    def __post_init__(self) -> None:
        self._lengths = np.array([len(row) for row in self.split.input_ids])
        self._epoch = -1
        self._plan: list[np.ndarray] = []

    def __call__(self, index: int) -> list[dict[str, torch.Tensor]]:
        epoch, position = divmod(index, self.steps)
        if epoch != self._epoch:
            self._epoch = epoch
            self._plan = bucketed(self._lengths, self.batch, self.seed, epoch)
        rows = self._plan[position]
        self.tokens += int(self._lengths[rows].sum())
        inputs = _inputs(self.split, rows, self.device)
        inputs["labels"] = torch.from_numpy(self.split.labels[rows]).to(self.device)
        return [inputs]


def bucketed(lengths: np.ndarray, batch: int, seed: int, epoch: int) -> list[np.ndarray]:
    """An epoch's batches: a random order, sorted by length inside pools, batches shuffled again."""
    generator = numpy_generator(seed, "order", epoch)
    order = generator.permutation(len(lengths))
    batches: list[np.ndarray] = []
    for start in range(0, len(order), batch * _POOL_BATCHES):
        pool = order[start : start + batch * _POOL_BATCHES]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[cut : cut + batch] for cut in range(0, len(pool), batch)]
    return [batches[position] for position in generator.permutation(len(batches))]


def _loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    loss: torch.Tensor = model(**batch).loss
    return loss
