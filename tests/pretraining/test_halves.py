from __future__ import annotations

import torch
from torch import nn

from pipeline.pretraining.halves import Halves
from pipeline.training.loop import train
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters
from pipeline.training.schedules import schedule


def made() -> tuple[nn.Module, FlatParameters, Halves]:
    torch.manual_seed(0)
    model = nn.Linear(3, 1, bias=False)
    flat = FlatParameters(model)
    return model, flat, Halves(model, flat)


def test_the_copy_is_the_weights_rounded_and_the_vector_is_the_weights() -> None:
    model, flat, halves = made()
    with torch.no_grad():
        halves.vector.add_(0.123456789)
    halves.materialize()
    assert halves.vector is flat.values and model.weight.dtype == torch.float32
    assert halves.model.weight.dtype == torch.bfloat16
    assert torch.equal(halves.model.weight.detach(), model.weight.detach().bfloat16())


def test_micro_batches_add_up_in_float32() -> None:
    """In bfloat16 1 + 1/512 is 1: a hundred small gradients after a large one would be lost."""
    _, _, halves = made()
    halves.materialize()
    halves.zero_grad()
    for size in [1.0] + [1 / 512] * 100:
        halves.model(torch.full((1, 3), size, dtype=torch.bfloat16)).sum().backward()
        halves.accumulate()
    halves.pull_back()
    assert halves.vector.grad.tolist() == [1 + 100 / 512] * 3


def test_updates_too_small_for_bfloat16_are_not_lost() -> None:
    _, flat, halves = made()
    with torch.no_grad():
        halves.vector.fill_(1.0)
    optimizer = make_optimizer(halves.vector, AdamW(weight_decay=0.0))
    steps = train(
        halves.model,
        halves,
        optimizer,
        schedule("constant", 1e-4, 0, 1),
        lambda index: [torch.ones(1, 3, dtype=torch.bfloat16)],
        lambda model, batch: model(batch).sum().float(),
        seed=0,
        start=0,
        stop=100,
    )
    assert len(list(steps)) == 100
    torch.testing.assert_close(flat.values, torch.full((3,), 0.99), rtol=1e-4, atol=0)
    assert torch.equal(halves.model.weight[0].detach(), (flat.values + 1e-4).bfloat16())
