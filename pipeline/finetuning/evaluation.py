"""A model's predictions on a split, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pipeline.finetuning.batches import model_inputs
from pipeline.tasks import Split, accuracy, f1


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


def score(model: nn.Module, split: Split, batch: int) -> Evaluation:
    """Evaluate on a whole split."""
    return Evaluation.of(predict(model, split, batch), split.labels, split.binary)


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
        inputs = model_inputs(split, rows, device)
        predictions[rows] = model(**inputs).logits.argmax(-1).cpu().numpy()
    return predictions
