"""The hidden states of a real small cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pipeline.errors import UserError
from pipeline.finetuning.batches import model_inputs
from pipeline.taskspaces.representation.config import RepresentationConfig
from pipeline.taskspaces.representation.measure import measure
from pipeline.taskspaces.representation.result import RepresentationResult
from pipeline.taskspaces.representation.states import _layers, distinct, hidden_states
from tests.worlds import open_cell

CONFIG = RepresentationConfig(rows=60, neighbours=5, draws=20)


def test_states_are_the_models_own_without_padding(world: Path) -> None:
    cell = open_cell(world, "paraphrase")
    rows = cell.data.eval.head(9)
    states = hidden_states(cell.network, rows, batch=4)
    row = int(np.argmin([len(one) for one in rows.input_ids]))
    inputs = model_inputs(rows, np.array([row]), torch.device("cpu"))
    alone = cell.network(**inputs, output_hidden_states=True).hidden_states
    length = len(rows.input_ids[row])
    for layer, one in enumerate(alone):
        own = one[0, :length].detach().numpy()
        np.testing.assert_allclose(states["first"][layer, row], own[0], atol=1e-5)
        np.testing.assert_allclose(states["mean"][layer, row], own.mean(0), atol=1e-5)


def test_a_layer_state_and_estimator_each_and_read_back(world: Path, tmp_path: Path) -> None:
    cell = open_cell(world, "polarity_short")
    result = measure(cell, CONFIG, 16, tmp_path)
    assert RepresentationResult.read_of(tmp_path, "s0", "polarity_short") == result
    layers = cell.network.config.num_hidden_layers + 1
    assert len(result.layers) == layers * 2 * 2 and result.rows == 60
    # Before any block the first token's state is the same for every row.
    assert result.of("first", "twonn")[0].value is None
    assert all(one.value > 0 for one in result.of("mean", "mle"))
    assert result.cost.runs == 0 and result.cost.flop > 0
    assert "from 60 rows" in result.sentence()
    assert measure(cell, CONFIG, 7, tmp_path).of("mean", "twonn")[0].value == pytest.approx(
        result.of("mean", "twonn")[0].value, rel=1e-3
    )
    with pytest.raises(UserError, match="not of s0 and paraphrase"):
        RepresentationResult.read_of(tmp_path, "s0", "paraphrase")


def test_repeated_rows_are_looked_at_once(world: Path) -> None:
    split = open_cell(world, "polarity_short").data.eval.head(6)
    twice = replace(
        split, input_ids=split.input_ids * 2, labels=np.concatenate([split.labels, split.labels])
    )
    assert len(distinct(twice)) == len(distinct(split))


def test_of_two_stacks_the_encoders_states_are_taken_and_none_is_a_sentence() -> None:
    states = (torch.ones(2, 3, 4),) * 2
    assert _layers(SimpleNamespace(encoder_hidden_states=states)).shape == (2, 2, 3, 4)
    with pytest.raises(UserError, match="does not give its hidden states"):
        _layers(SimpleNamespace())


def test_too_few_rows_for_the_neighbours_are_refused() -> None:
    with pytest.raises(ValueError, match="rows is 20, but must be more than neighbours"):
        RepresentationConfig(rows=20)
