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
        lengths: the singular values (k,) that go with them.
        mean: the unit vector (D_layer,) along the snapshots' mean.
        first_cosine: |cos| of the first direction and θ₀.
        first_share: the share of the snapshots' sum of squares along it.
    """

    spans: Sequence[Span]
    directions: torch.Tensor
    lengths: torch.Tensor
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


def take_snapshots(
    cell: Cell, groups: Sequence[Sequence[Span]], recipe: Recipe, folder: Path
) -> Run[None]:
    """Fine-tune fully, an evaluation a snapshot; write the weights of each group after each.

    A file a snapshot, so that the snapshots of one group can be read without the others.
    """
    from safetensors.torch import save_file

    cell.reset()

    def keep(epoch: int) -> None:
        held = {
            name_of(spans): LayerMap(spans, None).gathered(cell.flat.values).cpu()
            for spans in groups
        }
        save_file(held, snapshot_path(folder, epoch))

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
    spans: Sequence[Span], origin: torch.Tensor, rows: torch.Tensor, config: TaskSpaceConfig
) -> LearnedLayer:
    """The directions of one layer; beside its snapshots there are in memory those that are kept.

    Args:
        spans: the layer's parameters.
        origin: its θ₀ (D_layer,).
        rows: its snapshots (t, D_layer), which are overwritten.
        config: how directions are taken, and how many.
    """
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
        "%s: %d directions, the first with %.4f of all squares and cosine %.4f with θ₀",
        spans[0].name, len(kept), squares[0] / squares.sum(), cosine,
    )  # fmt: skip
    return LearnedLayer(
        spans,
        kept,
        lengths[: len(kept)],
        mean / mean.norm(),
        float(cosine),
        float(squares[0] / squares.sum()),
    )


def read_snapshots(folder: Path, spans: Sequence[Span], count: int) -> torch.Tensor:
    """(count, D_group): a group's snapshots, which `take_snapshots` wrote."""
    from safetensors import safe_open

    rows = torch.empty(count, sum(span.stop - span.start for span in spans))
    for epoch in range(1, count + 1):
        with safe_open(snapshot_path(folder, epoch), framework="pt") as stream:
            rows[epoch - 1] = stream.get_tensor(name_of(spans))
    return rows


def name_of(spans: Sequence[Span]) -> str:
    """What a group is called in a snapshot's file."""
    return spans[0].name


def snapshot_path(folder: Path, epoch: int) -> Path:
    """Where the snapshot of an epoch, from 1, lies."""
    return folder / f"{epoch:04d}.safetensors"
