"""Task vectors and the weights they restore are the same bytes as when these hashes were taken.

A saved task vector holds no factor of the projection, only its seed: if the factors of a seed
changed, old files would restore other weights without any error. The d numbers are written, not
trained, and Pθ is formed in double precision and rounded to single, so that the order in which a
machine sums does not matter. Only the projection ``reference`` takes its factors from torch's own
generator, whose normal numbers are those of CPUs with AVX2 or newer.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.subspace.task_vector import load_task_vector, save_task_vector
from pipeline.training.parameters import FlatParameters

# Options of the subspace → the hash of the file and that of the weights.
GOLDEN: list[tuple[dict[str, Any], str, str]] = [
    ({}, "9accb61796173b7d", "b3586e7be36837eb"),
    ({"method": "did"}, "10dd58fca19d4711", "278da88a98d57a83"),
    ({"normalisation": "column"}, "ccc0060f02323eec", "3d82eaaf68e0377f"),
    ({"normalisation": "reference", "method": "did"}, "1a7c07b0cb195829", "1c7695c576673b01"),
    ({"gaussian": "rademacher"}, "3390b2d4bb54ac10", "fe6f2514778c15e5"),
    ({"share_signs": False}, "65a68174139c151e", "0a00337d13cb9987"),
    ({"projection": "fastfood_whole"}, "384e5f7f52bd43ea", "6b3c9f4dc753f44a"),
    (
        {"projection": "fastfood_whole", "normalisation": "reference"},
        "12335a1e72ff3ef4",
        "6255282c9a1c3518",
    ),
    ({"projection": "dense", "method": "did"}, "f2126bf5c38322e9", "3531f490e3d09c09"),
    ({"projection": "dense", "normalisation": "column"}, "3bab49c585cd9e2b", "f65743a27e3843ef"),
    ({"projection": "sparse"}, "442b8a14d2e5a055", "684e50328fd14211"),
    (
        {"projection": "sparse", "normalisation": "reference", "method": "did"},
        "fc0fceb58c40887f",
        "a228acfaab304bc9",
    ),
    (
        {"projection": "reference", "normalisation": "reference"},
        "8a7581d5fd3b834c",
        "0415d77499db9768",
    ),
]


def multiples(shape: tuple[int, ...], of: float, seed: int) -> torch.Tensor:
    """Random multiples of a power of two, −64 to 63 of them: exact in any precision."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-64, 64, shape, generator=generator).double() * of


def network() -> FlatParameters:
    """Two linear layers in double precision, θ₀ in multiples of 1/512."""
    model = nn.Sequential(nn.Linear(40, 60), nn.Linear(60, 5)).double()
    with torch.no_grad():
        for place, item in enumerate(model.parameters()):
            item.copy_(multiples(tuple(item.shape), 2**-9, place))
    return FlatParameters(model)


def saved(config: SubspaceConfig, path: Path) -> None:
    """Write 33 numbers near their start, θ^d = 0 and λ = 1, as a task vector."""
    subspace = Subspace(network(), config, 33, 4)
    vector = subspace.vector + multiples((33,), 2**-10, 3)
    save_task_vector(path, vector.float(), subspace=subspace, checkpoint="a", task="t")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@pytest.mark.parametrize(("options", "file", "weights"), GOLDEN, ids=lambda item: str(item))
def test_bytes_are_those_of_before(
    options: dict[str, Any], file: str, weights: str, tmp_path: Path
) -> None:
    path = tmp_path / "task.safetensors"
    saved(SubspaceConfig(layers="tensor", **options), path)
    restored = network()
    load_task_vector(path).apply(restored, "a")
    found = sha256(path.read_bytes()), sha256(restored.values.float().numpy().tobytes())
    assert found == (file, weights)
