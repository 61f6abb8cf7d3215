"""Directions of several tasks together."""

from __future__ import annotations

import torch

from pipeline.common.seeds import torch_generator
from pipeline.taskspaces.snapshots import name_of
from pipeline.taskspaces.transfer.unify import unified
from pipeline.training.parameters import Span

SPANS = [[Span("layer.0.weight", 0, 40)]]
NAME = name_of(SPANS[0])


def learned(seed: int, lengths: list[float]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    rows = torch.linalg.qr(torch.randn(40, len(lengths), generator=torch_generator(seed, "task")))[
        0
    ].T.contiguous()
    return {NAME: (rows, torch.tensor(lengths, dtype=torch.float64))}


def test_of_one_task_they_are_its_own_first_directions() -> None:
    one = learned(0, [3.0, 2.0, 1.0])
    (layer,) = unified(SPANS, [one], 2)
    inner = (layer.directions @ one[NAME][0].T).abs()
    torch.testing.assert_close(inner, torch.eye(3)[:2], atol=1e-5, rtol=0)


def test_they_are_the_singular_vectors_of_all_snapshots_scaled_to_one_size() -> None:
    tasks = [learned(seed, [3.0, 1.0]) for seed in range(3)]
    snapshots = []
    for place, task in enumerate(tasks):
        rows, lengths = task[NAME]
        mixing = torch.linalg.qr(torch.randn(5, 2, generator=torch_generator(place, "mix")))[0]
        # What a task's snapshots were, at a size of their own.
        whole = 10.0**place * mixing @ (lengths.float()[:, None] * rows)
        snapshots.append(whole / whole.norm())
    right = torch.linalg.svd(torch.cat(snapshots), full_matrices=False)[2]
    (layer,) = unified(SPANS, tasks, 4)
    inner = (layer.directions @ right[:4].T).abs()
    torch.testing.assert_close(inner, torch.eye(4), atol=1e-4, rtol=0)


def test_a_direction_that_all_share_comes_first_and_there_may_be_fewer_than_asked_for() -> None:
    shared = learned(9, [1.0])[NAME][0]
    tasks = []
    for seed in range(2):
        other = learned(seed, [1.0])[NAME][0]
        rows = torch.linalg.qr(torch.cat([shared, other]).T)[0].T.contiguous()
        tasks.append({NAME: (rows, torch.tensor([1.0, 0.9], dtype=torch.float64))})
    (layer,) = unified(SPANS, tasks, 8)
    assert len(layer.directions) == 3
    assert float((layer.directions[0] @ shared[0]).abs()) > 0.9
