"""How fast this machine trains probes of a study's largest model, measured in a few seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from pipeline.common.quiet import without_bars
from pipeline.dimension.grid import grid_values
from pipeline.estimate.costs import sized_models
from pipeline.estimate.sums import Sized
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.study.params import Params
from pipeline.tasks.data import Split
from pipeline.tasks.kinds import make_kind
from pipeline.training.cost import EncoderSize

if TYPE_CHECKING:
    import torch

    from pipeline.training.loop import Trainable

# What is timed is repeated for so long.
_SECONDS = 3.0
# Of a large model on a slow machine an update may be of fewer rows than the recipe's: so many FLOP.
_AN_UPDATE = 2e11
_KIND = make_kind("classification", ("a", "b"), None)


@dataclass(frozen=True)
class Speed:
    """A sustained rate, and in words where it is from."""

    flop_per_second: float
    said: str


def given_speed(flop_per_second: float) -> Speed:
    """The rate that the user gives."""
    return Speed(flop_per_second, "as was given")


def measured_speed(params: Params, prepared: bool = False) -> Speed:
    """Train probes of a model of random weights, of the largest size in the study, on random rows.

    Everything that a probe costs is in it, the projection and the padding too; so the rate is below
    that of the machine's matrix products, and the estimate's FLOP over it come to hours.

    Args:
        params: the study.
        prepared: as in `pipeline.estimate.costs.estimate`.
    """
    from pipeline.training.device import facts

    largest = max(sized_models(params, prepared), key=lambda one: one.size.parameters)
    task = next(iter(largest.tasks))
    rate = _trained(largest, params, params.tasks[task].finetune, largest.tasks[task].train.length)
    found = facts()
    threads = f"{found['threads']} thread{'s' * (found['threads'] != 1)}"
    return Speed(
        rate, f"what probes of the largest model came to here ({found['device']}, {threads})"
    )


def _trained(largest: Sized, params: Params, config: FinetuneConfig, length: float) -> float:
    """FLOP/s of probes with rows of a length."""
    from pipeline.models.opening import open_for_task
    from pipeline.subspace.reparameterisation import Subspace, scale_count
    from pipeline.training.parameters import FlatParameters

    size = largest.size.encoder
    with TemporaryDirectory() as folder:
        _save_random(size, Path(folder), int(length))
        model = open_for_task(
            Path(folder), outputs=_KIND.outputs, problem=_KIND.problem, dropout=config.dropout,
            seed=0, precision=config.precision_for(subspace=True), recompute=config.recompute,
        )  # fmt: skip
    flat = FlatParameters(model)
    grid = grid_values(params.search.grid, scale_count(flat.spans, params.subspace), flat.size)
    subspace = Subspace(flat, params.subspace, grid[len(grid) // 2], 0)
    cost = size.training_flop(length)
    rows = max(1, min(config.batch, int(_AN_UPDATE / (cost * length))))
    tokens = _tokens_a_second(model, subspace, _rows(rows, int(length), size.vocabulary), config)
    return tokens * cost


def _tokens_a_second(
    model: torch.nn.Module, trainable: Trainable, batch: Split, config: FinetuneConfig
) -> float:
    """Tokens trained on a second, over updates that each see ``batch``."""
    from pipeline.finetuning.loop import Run, fine_tune

    recipe = Recipe(1, len(batch), 1e-6, 0.0, config.optimizer, train_eval_rows=1)

    def trained(updates: int) -> tuple[int, float]:
        split = batch.take(np.tile(np.arange(len(batch)), updates))
        start = time.perf_counter()
        run: Run[None] = fine_tune(model, trainable, split, batch.head(1), recipe, 0)
        return run.tokens, time.perf_counter() - start

    trained(1)  # warms up
    tokens, spent, updates = 0, 0.0, 1
    while spent < _SECONDS:
        more, took = trained(updates)
        tokens, spent, updates = tokens + more, spent + took, 2 * updates
    return tokens / spent


def _rows(count: int, length: int, vocabulary: int) -> Split:
    generator = np.random.default_rng(0)
    ids = list(generator.integers(5, vocabulary, (count, length), dtype=np.int32))
    return Split(ids, np.arange(count) % 2, 1, _KIND)


def _save_random(size: EncoderSize, folder: Path, length: int) -> None:
    """A RoBERTa of that size with random weights, which cost what trained ones do."""
    from transformers import RobertaConfig, RobertaModel

    from pipeline.common.seeds import isolated

    heads = size.width // 64 if size.width % 64 == 0 else 1
    config = RobertaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=heads,
        intermediate_size=size.feed_forward,
        max_position_embeddings=max(size.positions, length) + 2,
        type_vocab_size=1,
    )
    without_bars()
    with isolated(0, "speed"):
        RobertaModel(config).save_pretrained(folder)
