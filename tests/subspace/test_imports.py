"""The engine needs torch and safetensors alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ABSENT = [
    "accelerate",
    "dvc",
    "datasets",
    "pandas",
    "pyarrow",
    "scipy",
    "matplotlib",
    "ray",
    "transformers",
    "triton",
    "tokenizers",
]

PROGRAM = f"""
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.partition(".")[0] in {ABSENT}
        return None if absent else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
import tempfile, torch
from pathlib import Path
from pipeline.training.parameters import FlatParameters
from pipeline.subspace.optimizer import SubspaceOptimizer
from pipeline.subspace.task_vector import load_task_vector, save_task_vector

def model():
    torch.manual_seed(0)
    return torch.nn.Linear(8, 8)

trained = model()
optimizer = SubspaceOptimizer(trained, d=20, lr=0.01)
trained(torch.ones(1, 8)).square().sum().backward()
optimizer.step()
file = Path(tempfile.mkdtemp()) / "task.safetensors"
save_task_vector(file, optimizer.subspace.vector, subspace=optimizer.subspace, checkpoint="a", task="demo")
restored = model()
load_task_vector(file).apply(FlatParameters(restored), "a")
assert torch.equal(trained.weight, restored.weight)
assert not torch.equal(trained.weight, model().weight)
for name in {ABSENT}:
    assert sys.modules.get(name) is None, name
"""


def test_it_trains_and_restores_with_nothing_else_installed() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
