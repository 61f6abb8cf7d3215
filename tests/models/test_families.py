"""Every family of models through the code that measures RoBERTa, at a size of a moment."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.models.opening import open_for_task
from pipeline.published.fetching import fetch
from pipeline.published.place import Place
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.layers import layer_groups
from pipeline.subspace.reparameterisation import Subspace
from pipeline.tasks.prepare import prepare_task
from pipeline.training.optimizers import AdamW
from pipeline.training.parameters import Full
from tests.families import FAMILIES, write_family
from tests.worlds import task_config

CONFIG = FinetuneConfig(epochs=1, batch=16, learning_rates=(1e-3,), dropout=0.05)
RECIPE = Recipe(1, 16, 3e-3, 0.0, AdamW(weight_decay=0.0), 16)


@pytest.fixture(scope="module", params=FAMILIES)
def cell(
    request: pytest.FixtureRequest, world: Path, tmp_path_factory: pytest.TempPathFactory
) -> Cell:
    root = tmp_path_factory.mktemp(request.param)
    write_family(request.param, world / "tokenizer", root / "published")
    fetch(Place(str(root / "published"), "folder"), 0, root / "model")
    prepare_task("paraphrase", task_config("paraphrase", 32), root / "model", 0, root / "task")
    return Cell.open(
        name="m", task="paraphrase", model_dir=root / "model", task_dir=root / "task",
        config=CONFIG, seed=0, device=torch.device("cpu"),
    )  # fmt: skip


def opened(folder: Path) -> torch.nn.Module:
    return open_for_task(
        folder, outputs=2, problem="single_label_classification", dropout=None, seed=0,
        device=torch.device("cpu"),
    )  # fmt: skip


def test_full_fine_tuning_moves_every_layer(cell: Cell) -> None:
    cell.reset()
    run = fine_tune(cell.network, Full(cell.flat), cell.data.train, cell.data.eval, RECIPE, 0)
    assert not run.diverged and len(run.epochs) == 1 and cell.flop(run) > 0
    for group in layer_groups(cell.flat.spans, "block"):
        moved = slice(group[0].start, group[-1].stop)
        assert not torch.equal(cell.flat.values[moved], cell.origin[moved]), group[0].name


def test_a_probe_trains_d_numbers(cell: Cell) -> None:
    cell.reset()
    subspace = Subspace(cell.flat, SubspaceConfig(), 24, 0)
    start = subspace.vector.clone()
    run = fine_tune(cell.network, subspace, cell.data.train, cell.data.eval, RECIPE, 0)
    assert run.vector is not None and len(run.vector) == 24
    assert not torch.equal(run.vector, start)
    # Every scale has a gradient of its own, so no layer is left out.
    assert (run.vector[24 - subspace.layers :] != 1).all()


def test_a_probe_trains_with_weights_in_bfloat16(cell: Cell, world: Path) -> None:
    family = cell.network.config.model_type
    # Its one block, used over and over, recomputes nothing.
    config = replace(CONFIG, precision="bf16_weights", recompute=family != "albert")
    root = Path(cell.network.name_or_path).parent
    narrow = Cell.open(
        name="m", task="paraphrase", model_dir=root / "model", task_dir=root / "task",
        config=config, seed=0, subspace=True, device=torch.device("cpu"),
    )  # fmt: skip
    subspace = Subspace(narrow.flat, SubspaceConfig(), 24, 0, origin=narrow.origin)
    run = fine_tune(narrow.network, subspace, narrow.data.train, narrow.data.eval, RECIPE, 0)
    assert narrow.flat.values.dtype == torch.bfloat16 and not run.diverged
    assert run.vector is not None and run.vector.dtype == torch.float32
    assert (run.vector[24 - subspace.layers :] != 1).all()


def test_layers_are_embeddings_blocks_and_head(cell: Cell) -> None:
    family = cell.network.config.model_type
    groups = layer_groups(cell.flat.spans, "block")
    assert len(groups) == FAMILIES[family][1]
    names = [[span.name for span in group] for group in groups]
    for marks in (("embed", "shared", "wte", "wpe"), ("classifi", "score", "pooler", "head.")):
        holding = {
            place for place, group in enumerate(names)
            for name in group if any(mark in name for mark in marks)
        }  # fmt: skip
        assert len(holding) == 1, f"{marks} lie in {len(holding)} layers"
    blocks = [group for group in names if all(re.search(r"\.\d+\.", name) for name in group)]
    assert len(blocks) == len(groups) - 2


def test_dropout_is_what_the_task_says(cell: Cell) -> None:
    cell.network.train()
    rates = {module.p for module in cell.network.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates <= {0.05, 0.0}
    assert 0.05 in rates or cell.network.config.attention_dropout == 0.05


def test_padding_changes_no_prediction(cell: Cell) -> None:
    from pipeline.finetuning.evaluation import predict
    from pipeline.tasks import Split

    cell.reset()
    split = cell.data.eval
    together = predict(cell.network, split, 16)
    types = split.type_ids
    alone = [
        int(predict(cell.network, Split([row], split.labels[:1], split.pad_id, split.kind,
                                      None if types is None else [types[place]]), 1)[0])
        for place, row in enumerate(split.input_ids[:8])
    ]  # fmt: skip
    # Ties of tiny models may fall either way; more than one would be a fault.
    assert np.sum(together[:8] != alone) <= 1


# From so many multiplications on oneDNN makes a product: all, what the longer rows have, none.
@pytest.mark.parametrize("least", [1, 16 * 16 * 32, 1 << 62])
def test_roberta_costs_what_its_sizes_say(
    world: Path, monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    from pipeline.models.flops import token_cost
    from pipeline.training import onednn
    from pipeline.training.cost import EncoderSize

    monkeypatch.setattr(onednn, "_LEAST", least)
    model = opened(world / "model")
    config = model.config
    size = EncoderSize(
        config.num_hidden_layers,
        config.hidden_size,
        config.intermediate_size,
        config.vocab_size,
        32,
    )
    cost = token_cost(model)
    for length in (7, 30):
        assert cost.training_flop(length) == size.training_flop(length)
        assert cost.evaluation_flop(length) == size.evaluation_flop(length)


def test_shared_blocks_cost_each_time(world: Path, tmp_path: Path) -> None:
    from pipeline.models.flops import token_cost

    costs = []
    for layers in (2, 4):
        folder = write_family(
            "albert", world / "tokenizer", tmp_path / str(layers), num_hidden_layers=layers
        )
        costs.append(token_cost(opened(folder)).attention)
    assert costs[1] == 2 * costs[0]
