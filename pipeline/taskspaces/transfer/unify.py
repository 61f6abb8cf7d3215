"""The directions that several tasks' fine-tunings went together, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from pipeline.common.artifacts import sha256
from pipeline.errors import UserError
from pipeline.taskspaces.directions import principal_directions
from pipeline.taskspaces.keeping import DIRECTIONS, VECTOR, KeptDirections, load_layered
from pipeline.taskspaces.snapshots import LearnedLayer, name_of
from pipeline.training.parameters import Span

# V (k, D_layer) of each layer with the lengths (k,) of its directions, by the layer's name.
Learned = Mapping[str, tuple[torch.Tensor, torch.Tensor]]


def kept_directions(folder: Path) -> Learned | None:
    """What a task's fine-tuning left in its folder; None where it left nothing.

    Raises:
        UserError: it is damaged.
    """
    if not (folder / VECTOR).exists():
        return None
    vector = load_layered(folder / VECTOR)
    if vector is None or sha256(folder / DIRECTIONS) != vector.directions_sha256:
        raise UserError(f"{folder} has directions that are not those of its task vector")
    return KeptDirections(folder / DIRECTIONS)


def unified(
    spans: Sequence[Sequence[Span]], tasks: Sequence[Learned], dimension: int
) -> list[LearnedLayer]:
    """The first directions of a layer that these tasks have together, all tasks weighing the same.

    A direction of a task counts by its length's share among the task's own: these are the first
    singular vectors of all tasks' snapshots in one matrix, once each task's have the same size.
    Of one task they are its own first directions.

    Args:
        spans: of each layer.
        tasks: what was learned of each.
        dimension: how many directions a layer, less where there are fewer.
    """
    return [_layer(one, [task[name_of(one)] for task in tasks], dimension) for one in spans]


def _layer(
    spans: Sequence[Span], held: Sequence[tuple[torch.Tensor, torch.Tensor]], dimension: int
) -> LearnedLayer:
    rows = torch.cat([(lengths / lengths.norm())[:, None] * rows for rows, lengths in held])
    directions, lengths = principal_directions(rows.float())
    kept = directions[:dimension].clone()
    return LearnedLayer(spans, kept, lengths[:dimension], kept[0], 0.0, 0.0)
