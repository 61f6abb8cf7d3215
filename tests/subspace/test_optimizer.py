from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.optimizer import SubspaceOptimizer
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.distributed import ALONE, Ranks, join, leave
from pipeline.training.parameters import FlatParameters
from tests.processes import together

ROWS = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(1))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))


def loss(model: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    return (model(rows) - rows.sum(1, keepdim=True)).square().sum() / 4


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([item.detach().view(-1) for item in model.parameters()])


def learn(optimizer: SubspaceOptimizer, model: nn.Module, rows: torch.Tensor = ROWS) -> None:
    for batch in rows:
        loss(model, batch).backward()
        optimizer.step()
        optimizer.zero_grad()


def test_its_steps_are_those_of_a_hand_written_loop() -> None:
    model, other = network(), network()
    learn(SubspaceOptimizer(model, 20, 0.03, seed=5), model)
    subspace = Subspace(FlatParameters(other), SubspaceConfig(), 20, 5)
    adamw = torch.optim.AdamW([subspace.vector], lr=0.03, weight_decay=0)
    for batch in ROWS:
        subspace.materialize()
        subspace.zero_grad()
        loss(other, batch).backward()
        subspace.pull_back()
        adamw.step()
    subspace.materialize()
    assert torch.equal(weights(model), weights(other))
    assert not torch.equal(weights(model), weights(network()))


def test_a_step_projects_once_whatever_the_accumulation(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("materialize", "pull_back"):
        plain: Callable[[Subspace], None] = getattr(Subspace, name)
        monkeypatch.setattr(
            Subspace, name, lambda self, name=name, plain=plain: (calls.append(name), plain(self))
        )
    results = []
    for parts in (1, 4):
        model = network()
        optimizer = SubspaceOptimizer(model, 20, 0.03)
        calls.clear()
        for batch in ROWS:
            for part in batch.chunk(parts):
                loss(model, part).backward()
            optimizer.step()
            optimizer.zero_grad()
        assert calls == ["pull_back", "materialize"] * len(ROWS)
        results.append(weights(model))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)


def test_gradients_that_the_model_dropped_or_moved_are_found() -> None:
    """`model.zero_grad()` sets them to None, and the next backward pass makes new ones."""
    model, other = network(), network()
    learn(SubspaceOptimizer(model, 20, 0.03), model)
    optimizer = SubspaceOptimizer(other, 20, 0.03)
    for batch in ROWS:
        other.zero_grad()
        loss(other, batch).backward()
        optimizer.step()
    assert torch.equal(weights(model), weights(other))
    optimizer.zero_grad()
    optimizer.step()
    other.zero_grad()
    loss(other, ROWS[0]).backward()
    optimizer.zero_grad()
    assert not any(item.grad.any() for item in other.parameters())


def test_a_parameter_without_gradient_has_gradient_zero() -> None:
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    learn(optimizer, model, ROWS[:1])
    model.zero_grad()
    before = optimizer.subspace.vector.clone()
    moments = optimizer.state[optimizer.subspace.vector]["exp_avg"].clone()
    optimizer.step()
    after = optimizer.state[optimizer.subspace.vector]["exp_avg"]
    torch.testing.assert_close(after, 0.9 * moments)
    assert not torch.equal(before, optimizer.subspace.vector)


def test_a_schedule_sets_the_rate() -> None:
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    optimizer.load_state_dict(optimizer.state_dict())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step == 0))
    learn(optimizer, model, ROWS[:1])
    schedule.step()
    moved = weights(model)
    learn(optimizer, model, ROWS[1:3])
    assert torch.equal(weights(model), moved)
    assert not torch.equal(moved, weights(network()))


OTHERS: dict[str, dict[str, Any]] = {
    "AdamW": {},
    "SGD": {"optimizer": torch.optim.SGD, "momentum": 0.9},
    "RMSprop": {"optimizer": torch.optim.RMSprop, "alpha": 0.9, "centered": True},
}


@pytest.mark.parametrize("options", OTHERS.values(), ids=OTHERS)
def test_a_resumed_run_is_the_uninterrupted_one(options: dict[str, Any], tmp_path: Path) -> None:
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.003, **options)
    learn(optimizer, model, ROWS[:3])
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    learn(optimizer, model, ROWS[3:])
    resumed = network()
    again = SubspaceOptimizer(resumed, 20, 0.003, **options)
    again.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
    learn(again, resumed, ROWS[3:])
    assert torch.equal(weights(resumed), weights(model))
    assert weights(model).isfinite().all()


def test_another_optimizer_takes_its_own_steps() -> None:
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.003, optimizer=torch.optim.SGD, momentum=0.9)
    vector, velocity = optimizer.subspace.vector.clone(), torch.zeros(20)
    for batch in ROWS:
        loss(model, batch).backward()
        optimizer.step()
        velocity = 0.9 * velocity + optimizer._gradient
        vector -= 0.003 * velocity
        optimizer.zero_grad()
    torch.testing.assert_close(optimizer.subspace.vector, vector)


def test_weight_decay_is_zero_unless_given() -> None:
    for options in (*OTHERS.values(), {"optimizer": torch.optim.Adam}):
        assert SubspaceOptimizer(network(), 20, 0.03, **options).defaults["weight_decay"] == 0
    assert SubspaceOptimizer(network(), 20, 0.03, weight_decay=0.1).defaults["weight_decay"] == 0.1
    assert "weight_decay" not in (
        SubspaceOptimizer(network(), 20, 0.03, optimizer=torch.optim.Rprop).defaults
    )


def test_a_closure_is_called() -> None:
    model, other = network(), network()
    learn(SubspaceOptimizer(model, 20, 0.03), model, ROWS[:1])
    optimizer = SubspaceOptimizer(other, 20, 0.03)

    def closure() -> float:
        optimizer.zero_grad()
        value = loss(other, ROWS[0])
        value.backward()
        return value.item()

    assert optimizer.step(closure) == pytest.approx(loss(network(), ROWS[0]).item())
    assert torch.equal(weights(model), weights(other))


def test_the_state_of_something_else_is_refused() -> None:
    optimizer = SubspaceOptimizer(network(), 20, 0.03)
    with pytest.raises(UserError, match="holds 21 numbers, but this subspace has 20"):
        optimizer.load_state_dict(SubspaceOptimizer(network(), 21, 0.03).state_dict())
    with pytest.raises(UserError, match="holds no vector"):
        optimizer.load_state_dict(torch.optim.AdamW(network().parameters()).state_dict())
    other = SubspaceOptimizer(network(), 20, 0.03, optimizer=torch.optim.SGD)
    with pytest.raises(UserError, match="state is that of SGD, but this subspace uses AdamW"):
        optimizer.load_state_dict(other.state_dict())


@pytest.mark.parametrize("change", [nn.Module.double, nn.Module.bfloat16])
def test_a_model_changed_afterwards_is_refused(change: Callable[[nn.Module], nn.Module]) -> None:
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    change(model)
    with pytest.raises(UserError, match=r"0\.weight was moved, cast or replaced"):
        optimizer.step()


def _tied() -> nn.Module:
    torch.manual_seed(0)
    model = nn.ModuleDict({"inside": nn.Linear(5, 5), "head": nn.Linear(5, 5)})
    model["head"].weight = model["inside"].weight
    return model


def _untie(model: nn.Module) -> None:
    model["head"].weight = nn.Parameter(model["inside"].weight.detach().clone())  # type: ignore[index]


AFTERWARDS: dict[str, Callable[[nn.Module], object]] = {
    "load_state_dict": lambda model: model.load_state_dict(
        {key: value + 1 for key, value in model.state_dict().items()}
    ),
    "copy_ under no_grad": lambda model: next(model.parameters()).data.copy_(torch.ones(8, 5)),
    "one weight": lambda model: next(model.parameters()).data[0, :1].neg_(),
}


@pytest.mark.parametrize("started", [False, True], ids=["at once", "after steps"])
@pytest.mark.parametrize("change", AFTERWARDS.values(), ids=AFTERWARDS)
def test_weights_loaded_afterwards_are_refused(
    change: Callable[[nn.Module], object], started: bool
) -> None:
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    learn(optimizer, model, ROWS[: 2 * started])
    change(model)
    loss(model, ROWS[0]).backward()
    with pytest.raises(UserError, match="weights were changed after the SubspaceOptimizer"):
        optimizer.step()


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_loaded_weights_are_noticed_in_any_dtype(kind: torch.dtype) -> None:
    model = network().to(kind)
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    optimizer.step()
    model.load_state_dict(network().to(kind).state_dict())  # the same weights: nothing is lost
    optimizer.step()
    model.load_state_dict({key: 2 * value for key, value in model.state_dict().items()})
    with pytest.raises(UserError, match="make the optimizer last"):
        optimizer.step()


def test_assigned_weights_are_refused_by_name() -> None:
    """`assign=True` puts other parameters in, so that the old ones would be trained unseen."""
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    model.load_state_dict(network().state_dict(), assign=True)
    with pytest.raises(UserError, match=r"0\.weight was moved, cast or replaced"):
        optimizer.step()


def test_weights_tied_or_untied_afterwards_are_refused_by_name() -> None:
    model = _tied()
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    _untie(model)
    with pytest.raises(UserError, match=r"head\.weight was moved, cast or replaced"):
        optimizer.step()
    model = _tied()
    _untie(model)
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    model["head"].weight = model["inside"].weight  # type: ignore[index]
    with pytest.raises(UserError, match=r"head\.weight was moved, cast or replaced"):
        optimizer.step()


def test_loss_scaling_is_refused() -> None:
    model = network()
    optimizer = SubspaceOptimizer(model, 20, 0.03)
    learn(optimizer, model)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(loss(model, ROWS[0])).backward()
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.step(optimizer)


def across(ranks: Ranks) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient of the first step, and the weights after all."""
    model, seen = network(), []

    def reduce(gradient: torch.Tensor) -> None:
        ranks.sum(gradient)
        seen.append(gradient.clone())

    optimizer = SubspaceOptimizer(model, 20, 0.03, reduce=reduce)
    for batch in ROWS:
        for part in ranks.share(batch.chunk(2)):
            loss(model, part).backward()
        optimizer.step()
        optimizer.zero_grad()
    return seen[0], weights(model)


def worker(rank: int, out: Path) -> None:
    reduced: list[int] = []
    plain = torch.distributed.all_reduce

    def counted(tensor: torch.Tensor) -> None:
        reduced.append(tensor.numel())
        plain(tensor)

    ranks = join(torch.device("cpu"))
    torch.distributed.all_reduce = counted
    gradient, moved = across(ranks)
    torch.save({"gradient": gradient, "moved": moved, "reduced": reduced}, out / f"{rank}.pt")
    leave()


def test_two_processes_exchange_d_numbers_and_train_as_one(tmp_path: Path) -> None:
    together(worker, 2, tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert torch.equal(first["moved"], second["moved"])
    gradient, moved = across(ALONE)
    torch.testing.assert_close(first["gradient"], gradient, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(first["moved"], moved, rtol=1e-3, atol=1e-4)
    assert first["reduced"] == second["reduced"] == [20] * len(ROWS)
