from __future__ import annotations

import torch
from torch import nn

from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.loop import train
from pipeline.training.optimizer_state import OptimizerState
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters, Full
from pipeline.training.schedules import schedule


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))


def batches(index: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(index)
    return [torch.randn(6, 4, generator=generator)]


def loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    return (model(batch) - batch.sum(1, keepdim=True)).square().mean()


def run(
    trainable, model, start: int = 0, stop: int = 8, state: OptimizerState | None = None, **changes
):
    optimizer = make_optimizer(trainable.vector, AdamW(weight_decay=0.01))
    if state is not None:
        state.restore(optimizer, trainable.vector)
    rate = schedule("linear", 0.05, 2, 20)
    options = {"batches": batches, **changes}
    steps = list(
        train(
            model,
            trainable,
            optimizer,
            rate,
            options["batches"],
            loss,
            seed=0,
            start=start,
            stop=stop,
        )
    )
    return optimizer, [float(step.loss) for step in steps]


def test_resumed_equals_uninterrupted_bit_for_bit() -> None:
    model = network()
    flat = FlatParameters(model)
    trainable = Full(flat)
    _, losses = run(trainable, model)
    whole = flat.values.clone()

    model = network()
    flat = FlatParameters(model)
    trainable = Full(flat)
    optimizer, first = run(trainable, model, stop=3)
    kept, state = flat.values.clone(), OptimizerState.of(optimizer, trainable.vector, 3)

    model = network()
    flat = FlatParameters(model)
    flat.values.copy_(kept)
    torch.manual_seed(99)
    _, second = run(Full(flat), model, start=3, state=state)
    assert torch.equal(whole, flat.values)
    assert losses == first + second


def test_each_step_has_its_own_dropout() -> None:
    model = network()
    _, losses = run(Full(FlatParameters(model)), model, batches=lambda index: batches(0), stop=2)
    assert losses[0] != losses[1]


def test_micro_batches_sum_to_the_updates_gradient() -> None:
    vectors = []
    for cut in (6, 2):
        model = network()
        model[1].p = 0.0
        flat = FlatParameters(model)

        def split(index: int, cut: int = cut) -> list[torch.Tensor]:
            return list(batches(index)[0].split(cut))

        def share(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
            return loss(model, batch) * len(batch) / 6

        optimizer = make_optimizer(flat.values, AdamW(weight_decay=0.01))
        rate = schedule("constant", 0.01, 0, 1)
        list(train(model, Full(flat), optimizer, rate, split, share, seed=0, start=0, stop=3))
        vectors.append(flat.values.clone())
    torch.testing.assert_close(vectors[0], vectors[1], rtol=1e-5, atol=1e-6)


def test_the_caller_may_leave_at_any_time() -> None:
    model = network()
    trainable = Full(FlatParameters(model))
    optimizer = make_optimizer(trainable.vector, AdamW(weight_decay=0.01))
    rate = schedule("constant", 0.01, 0, 1)
    loop = train(model, trainable, optimizer, rate, batches, loss, seed=0, start=0, stop=100)
    assert [next(loop).done, next(loop).done] == [1, 2]
    loop.close()


def test_a_subspace_learns_through_the_same_loop() -> None:
    model = network()
    subspace = Subspace(FlatParameters(model), SubspaceConfig(), 20, 0)
    _, losses = run(subspace, model, stop=20)
    assert sum(losses[-5:]) < sum(losses[:5])
