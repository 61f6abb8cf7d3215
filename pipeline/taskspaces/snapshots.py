"""Snapshots of the layers along a full fine-tuning, and each layer's directions among them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from pipeline.common.seeds import derive
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import Run, fine_tune
from pipeline.finetuning.recipe import Recipe
from pipeline.subspace.layered import LayerMap
from pipeline.subspace.layers import numbered_blocks
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.directions import principal_directions
from pipeline.training.parameters import Full, Span

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearnedLayer:
    """A layer with what its snapshots tell.

    Attributes:
        spans: its parameters.
        directions: V (k, D_layer), orthonormal rows, the longest first.
        mean: the unit vector (D_layer,) along the snapshots' mean.
        first_cosine: |cos| of the first direction and θ₀.
        first_share: the share of the snapshots' sum of squares along it.
    """

    spans: Sequence[Span]
    directions: torch.Tensor
    mean: torch.Tensor
    first_cosine: float
    first_share: float


def layers_of(cell: Cell) -> list[list[Span]]:
    """The spans of each layer.

    Raises:
        UserError: the model has no numbered layers.
    """
    found = numbered_blocks(cell.flat.spans)
    if not found:
        raise UserError(
            f"{cell.name} has no numbered layers, which taskspaces needs: leave the section out"
        )
    return found


def take_snapshots(cell: Cell, recipe: Recipe, folder: Path) -> Run[None]:
    """Fine-tune fully, an evaluation a snapshot; write each layer's weights after each.

    A file a snapshot, so that the snapshots of one layer can be read without the others.
    """
    from safetensors.torch import save_file

    layers = [LayerMap(spans, None) for spans in layers_of(cell)]
    cell.reset()

    def keep(epoch: int) -> None:
        held = {
            str(place): layer.gathered(cell.flat.values).cpu() for place, layer in enumerate(layers)
        }
        save_file(held, folder / _name(epoch))

    return fine_tune(
        cell.network,
        Full(cell.flat),
        cell.data.train,
        cell.data.eval,
        recipe,
        derive(cell.seed, "taskspace", "snapshots"),
        on_epoch=lambda score: keep(score.epoch),
    )


def learn_layer(
    cell: Cell, place: int, folder: Path, count: int, config: TaskSpaceConfig
) -> LearnedLayer:
    """The directions of one layer; in memory are its own snapshots, once, and few vectors.

    Args:
        cell: whose θ₀ is subtracted, where that is asked for.
        place: which layer, from 0.
        folder: where `take_snapshots` wrote.
        count: how many snapshots are there.
        config: how directions are taken, and how many.
    """
    spans = layers_of(cell)[place]
    origin = LayerMap(spans, None).gathered(cell.origin).cpu()
    rows = _read(folder, place, count, len(origin))
    if config.subtract:
        rows -= origin
    mean = rows.mean(0)
    if config.centre:
        rows -= mean
    directions, lengths = principal_directions(rows)
    kept = directions[: config.dimension].clone()
    cosine = torch.dot(kept[0], origin).abs() / origin.norm().clamp(min=1e-30)
    squares = lengths.square()
    _LOG.info(
        "layer %d: %d directions, the first with %.4f of all squares and cosine %.4f with θ₀",
        place, len(kept), squares[0] / squares.sum(), cosine,
    )  # fmt: skip
    return LearnedLayer(
        spans, kept, mean / mean.norm(), float(cosine), float(squares[0] / squares.sum())
    )


def _read(folder: Path, place: int, count: int, size: int) -> torch.Tensor:
    """(count, size): a layer's snapshots."""
    from safetensors import safe_open

    rows = torch.empty(count, size)
    for epoch in range(1, count + 1):
        with safe_open(folder / _name(epoch), framework="pt") as stream:
            rows[epoch - 1] = stream.get_tensor(str(place))
    return rows


def _name(epoch: int) -> str:
    return f"{epoch:04d}.safetensors"
