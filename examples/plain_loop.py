"""A plain PyTorch loop inside a subspace, and the task saved as its d numbers.

python -m examples.plain_loop
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import nn

from pipeline.common.seeds import isolated, torch_generator
from pipeline.subspace.optimizer import SubspaceOptimizer
from pipeline.subspace.task_vector import load_task_vector, save_task_vector
from pipeline.training.parameters import FlatParameters


def network() -> nn.Module:
    """The "checkpoint": θ₀ is the same whenever this is called."""
    with isolated(0, "network"):
        return nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 2))


def main(steps: int = 200, d: int = 60) -> float:
    """Train d of 1,218 parameters, save them, restore them; return the accuracy on new rows."""
    model, draw = network(), torch_generator(0, "rows")
    optimizer = SubspaceOptimizer(model, d, lr=0.02)
    for _ in range(steps):
        rows = torch.randn(32, 16, generator=draw)
        nn.functional.cross_entropy(model(rows), _label(rows)).backward()
        optimizer.step()
        optimizer.zero_grad()

    subspace = optimizer.subspace
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "task.safetensors"
        save_task_vector(
            file, subspace.vector, subspace=subspace, checkpoint="network 0", task="demo"
        )
        print(f"{d} numbers in {file.stat().st_size} bytes")
        restored = network()
        load_task_vector(file).apply(FlatParameters(restored), checkpoint="network 0")
    rows = torch.randn(1000, 16, generator=draw)
    assert torch.equal(model(rows), restored(rows)), "a restored task is the same bit for bit"
    return float((restored(rows).argmax(1) == _label(rows)).float().mean())


def _label(rows: torch.Tensor) -> torch.Tensor:
    return (rows[:, 0] + rows[:, 1] > 0).long()


if __name__ == "__main__":
    print(f"accuracy {main():.3f}")
