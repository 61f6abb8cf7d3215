"""Trainings at any d and learning rate, each made once: what the benchmarks of rates share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import numpy as np
import torch
from torch import nn

from pipeline.common.artifacts import Journal, Json
from pipeline.common.seeds import derive
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.subspace.step_size import unit_rate
from pipeline.tasks import Split
from pipeline.training.optimizers import AdamW
from pipeline.training.parameters import FlatParameters, Full

_LOG = logging.getLogger(__name__)
# What a line of the journal is found by; d is 0 for full fine-tuning.
_KEY = ("model", "task", "d", "rate", "seed", "normalisation", "epochs")


@dataclass(frozen=True)
class Trials:
    """A model's trainings on some tasks, remembered in a journal.

    Attributes:
        name: what the journal calls the model.
        cells: the model opened for each task.
        size: D of the whole model.
        subspace: where is trained.
        finetune: how; its epochs and batch hold in the subspace too.
        seeds: how many trainings an accuracy is the mean of, for each task.
        journal: where finished trainings are kept.
    """

    name: str
    cells: Mapping[str, Cell]
    size: int
    subspace: SubspaceConfig
    finetune: FinetuneConfig
    seeds: int
    journal: Journal

    def full(self, rate: float) -> float:
        """Mean accuracy of full fine-tuning at a learning rate."""
        return self._mean(0, rate)

    def inside(self, d: int, rate: float) -> float:
        """Mean accuracy in a subspace of d at a learning rate."""
        return self._mean(d, rate)

    def unit(self, full_rate: float, d: int) -> float:
        """The learning rate at d that a relative rate of 1 stands for."""
        normalisation = self.subspace.normalisation
        return unit_rate(full_rate, size=self.size, d=d, normalisation=normalisation)

    def dims(self, wanted: list[int]) -> list[int]:
        """Those of the wanted d that are below all that moves, and all of it."""
        most = min(cell.flat.size for cell in self.cells.values())
        return [d for d in wanted if d < most] + [most]

    def error(self, accuracy: float) -> float:
        """Binomial standard error of a mean accuracy."""
        rows = sum(len(cell.data.eval) for cell in self.cells.values())
        return float((accuracy * (1 - accuracy) / rows) ** 0.5)

    def _mean(self, d: int, rate: float) -> float:
        tried = [(task, seed) for task in self.cells for seed in range(self.seeds)]
        mean = fmean(self._once(task, d, rate, seed) for task, seed in tried)
        _LOG.info("%s, d = %d, rate %.3g: %.4f", self.name, d, rate, mean)
        return mean

    def _once(self, task: str, d: int, rate: float, seed: int) -> float:
        normalisation = self.subspace.normalisation if d else ""
        epochs = self.finetune.epochs
        values = (self.name, task, d, float(f"{rate:.6g}"), seed, normalisation, epochs)
        if values not in self._known:
            row = self._run(self.cells[task], d, rate, seed)
            self.journal.append({**dict(zip(_KEY, values, strict=True)), **row})
            self._known[values] = row["accuracy"]
        return self._known[values]

    @cached_property
    def _known(self) -> dict[tuple[object, ...], float]:
        """The journal's accuracies."""
        rows = self.journal.read()
        return {tuple(row[name] for name in _KEY): row["accuracy"] for row in rows}

    def _run(self, cell: Cell, d: int, rate: float, seed: int) -> Json:
        """Best epoch's evaluation accuracy, and each epoch's with its training loss."""
        cell.reset()
        own = derive(cell.seed, "probe", seed, d)
        trainable = Subspace(cell.flat, self.subspace, d, own) if d else Full(cell.flat)
        recipe = Recipe(
            self.finetune.epochs, self.finetune.batch, rate, self.finetune.warmup_fraction,
            AdamW(weight_decay=0.0) if d else self.finetune.optimizer, train_eval_rows=1,
        )  # fmt: skip
        run = fine_tune(cell.network, trainable, cell.data.train, cell.data.eval, recipe, own)
        return {
            "accuracy": run.best.metric if run.best else 0.0,
            "curve": [epoch.metric for epoch in run.epochs],
            "losses": [epoch.loss for epoch in run.epochs],
        }


def with_used_words(cell: Cell) -> Cell:
    """The cell with a table of only the words that its rows have, where these are below half.

    The others have no gradient: leaving them out makes a training cheaper and changes nothing else,
    for the entries of Pθ^d that count keep their law.
    """
    data, network = cell.data, cell.network
    rows = [*data.train.input_ids, *data.eval.input_ids]
    used = np.unique(np.concatenate([*rows, [data.train.pad_id]]))
    old = network.get_input_embeddings()
    assert isinstance(old, nn.Embedding)
    if 2 * len(used) > old.num_embeddings:
        return cell
    pad = int(np.searchsorted(used, data.train.pad_id))

    def renumbered(split: Split) -> Split:
        ids = [np.searchsorted(used, row).astype(row.dtype) for row in split.input_ids]
        return replace(split, input_ids=ids, pad_id=pad)

    cell.reset()
    table = nn.Embedding(len(used), old.embedding_dim, padding_idx=pad)
    with torch.no_grad():
        table.weight.copy_(old.weight[torch.from_numpy(used).long()])
    network.set_input_embeddings(table)
    network.config.pad_token_id = pad
    flat = FlatParameters(network)
    smaller = replace(data, train=renumbered(data.train), eval=renumbered(data.eval))
    return replace(cell, data=smaller, flat=flat, origin=flat.values.clone())
