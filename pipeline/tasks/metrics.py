"""The metrics of METHOD §4 as plain functions of predictions and labels, both (rows,) of ids."""

from __future__ import annotations

import numpy as np


def accuracy(predictions: np.ndarray, labels: np.ndarray) -> float:
    """The share of rows predicted right."""
    return float(np.mean(predictions == labels))


def f1(predictions: np.ndarray, labels: np.ndarray) -> float:
    """F1 of label 1 in a binary task: 2·tp / (2·tp + fp + fn), and 0 when nothing is positive."""
    hits = int(np.sum((predictions == 1) & (labels == 1)))
    errors = int(np.sum(predictions != labels))
    return 2 * hits / (2 * hits + errors) if hits else 0.0


def majority(labels: np.ndarray) -> float:
    """The accuracy of always answering the most frequent label."""
    return float(np.bincount(labels).max() / len(labels))
