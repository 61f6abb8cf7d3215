from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.trials import Trials, with_used_words
from pipeline.common.artifacts import Journal
from pipeline.finetuning.batches import model_inputs
from pipeline.finetuning.cell import Cell
from pipeline.subspace.config import SubspaceConfig
from tests.worlds import FINETUNE, open_cell


def trials(cell: Cell, folder: Path) -> Trials:
    journal = Journal(folder / "trials.jsonl")
    config = replace(FINETUNE, epochs=1)
    return Trials("s0", {cell.task: cell}, cell.flat.size, SubspaceConfig(), config, 1, journal)


def test_a_training_is_made_once(world: Path, tmp_path: Path) -> None:
    cell = open_cell(world, "polarity_short")
    first = trials(cell, tmp_path).inside(64, 0.01)
    again = trials(cell, tmp_path)
    assert again.inside(64, 0.01) == first
    assert len(again.journal.read()) == 1
    again.full(0.01)
    assert len(again.journal.read()) == 2


def test_the_last_d_is_all_that_moves(world: Path, tmp_path: Path) -> None:
    cell = open_cell(world, "polarity_short")
    assert trials(cell, tmp_path).dims([16, 64, 10**9]) == [16, 64, cell.flat.size]


def few_words(cell: Cell) -> Cell:
    """The cell with rows of only a few words, so that most of the table is not used."""
    rows = np.arange(4)
    data = replace(cell.data, train=cell.data.train.take(rows), eval=cell.data.eval.take(rows))
    return replace(cell, data=data)


def test_words_without_rows_are_left_out_and_nothing_else_changes(world: Path) -> None:
    cell = few_words(open_cell(world, "polarity_short"))
    network, device = cell.network.eval(), torch.device("cpu")
    with torch.no_grad():
        before = network(**model_inputs(cell.data.eval, np.arange(4), device)).logits.clone()
    size, table = cell.flat.size, network.get_input_embeddings()
    assert isinstance(table, nn.Embedding)
    smaller = with_used_words(cell)
    with torch.no_grad():
        after = network(**model_inputs(smaller.data.eval, np.arange(4), device)).logits
    assert torch.equal(before, after)
    kept = smaller.network.get_input_embeddings()
    assert isinstance(kept, nn.Embedding)
    gone = (table.num_embeddings - kept.num_embeddings) * table.embedding_dim
    assert gone > 0 and smaller.flat.size == size - gone


def test_a_table_that_is_mostly_used_stays(world: Path) -> None:
    cell = open_cell(world, "paraphrase")
    used = np.unique(np.concatenate(cell.data.train.input_ids))
    table = cell.network.get_input_embeddings()
    assert isinstance(table, nn.Embedding)
    assert (with_used_words(cell) is cell) == (2 * len(used) > table.num_embeddings)
