"""Processes over gloo: together they take the steps that one alone would take."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.distributed import ALONE, Ranks, join, leave
from pipeline.training.loop import train
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters, Full
from pipeline.training.schedules import schedule
from tests.processes import together


def learn(ranks: Ranks, method: str) -> tuple[torch.Tensor, list[float]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    flat = FlatParameters(model)
    trainable = Full(flat) if method == "full" else Subspace(flat, SubspaceConfig(), 20, 0)
    rows = torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(1))

    def loss(model: nn.Module, row: torch.Tensor) -> torch.Tensor:
        return (model(row) - row.sum(1, keepdim=True)).square().sum() / 12

    steps = train(
        model,
        trainable,
        make_optimizer(trainable.vector, AdamW(weight_decay=0.01)),
        schedule("constant", 0.01, 0, 1),
        lambda index: list(ranks.share(rows)),
        loss,
        seed=0,
        start=0,
        stop=5,
        ranks=ranks,
    )
    losses = [float(step.loss) for step in steps]
    return trainable.vector.detach().clone(), losses


def worker(rank: int, out: Path, method: str) -> None:
    ranks = join(torch.device("cpu"))
    assert (ranks.rank, ranks.count) == (rank, 2)
    reduced: list[int] = []
    plain = torch.distributed.all_reduce

    def counted(tensor: torch.Tensor) -> None:
        reduced.append(tensor.numel())
        plain(tensor)

    torch.distributed.all_reduce = counted
    vector, losses = learn(ranks, method)
    torch.save({"vector": vector, "losses": losses, "reduced": reduced}, out / f"{rank}.pt")
    leave()


@pytest.mark.parametrize("method", ["full", "subspace"])
def test_two_processes_learn_as_one(tmp_path: Path, method: str) -> None:
    together(worker, 2, tmp_path, method)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    vector, losses = learn(ALONE, method)
    assert torch.equal(first["vector"], second["vector"])
    torch.testing.assert_close(first["vector"], vector, rtol=1e-4, atol=1e-6)
    assert first["losses"] == second["losses"] == pytest.approx(losses, rel=1e-5)
    # An update exchanges the vector's gradient and the loss: d numbers in a subspace, not D.
    assert first["reduced"] == [len(vector), 1] * 5


def test_shares_are_a_partition() -> None:
    items = list(range(7))
    shares = [Ranks(rank, 3).share(items) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == items


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join(torch.device("cpu")) == ALONE
    tensor = torch.ones(2)
    ALONE.sum(tensor)
    ALONE.wait()
    assert tensor.tolist() == [1, 1]
