"""Rows of a split as padded batches, in an order that is a function of (seed, epoch)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.common.seeds import numpy_generator
from pipeline.tasks import Split

# Batches are cut from pools of this many batches sorted by length, so that little is padding.
_POOL_BATCHES = 50


_PAD_MULTIPLE = 8


def model_inputs(split: Split, rows: np.ndarray, device: torch.device) -> dict[str, torch.Tensor]:
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
class Batches:
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
        """The one micro-batch of update ``index`` (from 0), labels included."""
        epoch, position = divmod(index, self.steps)
        if epoch != self._epoch:
            self._epoch = epoch
            self._plan = bucketed(self._lengths, self.batch, self.seed, epoch)
        rows = self._plan[position]
        self.tokens += int(self._lengths[rows].sum())
        inputs = model_inputs(self.split, rows, self.device)
        labels = torch.from_numpy(self.split.labels[rows])
        # A regression's loss needs the numbers in the precision of the outputs.
        labels = labels.float() if labels.is_floating_point() else labels
        inputs["labels"] = labels.to(self.device)
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
