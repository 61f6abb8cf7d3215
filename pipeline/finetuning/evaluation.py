"""A model's answers on a split, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pipeline.finetuning.batches import model_inputs
from pipeline.tasks import Split


@dataclass(frozen=True)
class Evaluation:
    """One evaluation.

    Attributes:
        metric: the one that decides about d₉₀.
        others: the task kind's other metrics, by name.
        answers: those to the whole evaluation set (rows,); None where only a part of it was tried.
        rows: how many examples were tried.
    """

    metric: float
    others: dict[str, float]
    answers: np.ndarray | None
    rows: int

    @staticmethod
    def of(answers: np.ndarray, split: Split) -> Evaluation:
        """Judge the answers to a whole split."""
        kind, targets = split.kind, split.labels
        others = kind.others(answers, targets)
        return Evaluation(kind.score(answers, targets), others, answers, len(targets))


def score(model: nn.Module, split: Split, batch: int) -> Evaluation:
    """Evaluate on a whole split."""
    return Evaluation.of(predict(model, split, batch), split)


def least_error(metric: float, split: Split) -> float:
    """The standard error of a metric on a split, taken for no less than one example's worth.

    A perfect metric has none by the formulas, though another training may well miss an example.
    """
    return max(split.kind.error(metric, split.labels), 1 / len(split))


@torch.no_grad()
def predict(model: nn.Module, split: Split, batch: int) -> np.ndarray:
    """The answer to each row, in the split's order; rows run sorted by length."""
    model.eval()
    device = next(model.parameters()).device
    order = np.argsort([len(row) for row in split.input_ids], kind="stable")
    answers = np.empty(len(split), dtype=split.kind.dtype)
    width = 4 * batch
    for start in range(0, len(order), width):
        rows = order[start : start + width]
        logits = model(**model_inputs(split, rows, device)).logits
        answers[rows] = split.kind.predict(logits.float().cpu().numpy())
    return answers
