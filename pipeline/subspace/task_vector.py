"""A fine-tuned task as d numbers, a seed and the hash of the checkpoint they belong to (A21 §5)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pipeline.errors import UserError
from pipeline.subspace.layout import FlatParameters
from pipeline.subspace.structure import Subspace, SubspaceConfig

_VERSION = 1
_KEY = "task_vector"


@dataclass(frozen=True)
class TaskVector:
    """The d numbers and all that is needed to turn them into weights again."""

    vector: torch.Tensor
    config: SubspaceConfig
    seed: int
    size: int
    checkpoint: str
    task: str

    def apply(self, flat: FlatParameters, checkpoint: str) -> None:
        """Write the fine-tuned weights into a model that holds the same θ₀, head included.

        Args:
            flat: the model's parameters, at θ₀.
            checkpoint: hash of the checkpoint that the model was opened from.

        Raises:
            UserError: the checkpoint or the model is another one.
        """
        if checkpoint != self.checkpoint:
            raise UserError(
                f"the task vector of {self.task!r} belongs to checkpoint {self.checkpoint[:12]}…, "
                f"not to {checkpoint[:12]}…"
            )
        if flat.size != self.size:
            raise UserError(
                f"the task vector of {self.task!r} is for D = {self.size} parameters, "
                f"but the model has {flat.size}"
            )
        subspace = Subspace(flat, self.config, len(self.vector), self.seed)
        with torch.no_grad():
            subspace.vector.copy_(self.vector)
        subspace.materialize()


def save_task_vector(
    path: Path, vector: torch.Tensor, subspace: Subspace, checkpoint: str, task: str
) -> None:
    """Write the d numbers with seed, method and checkpoint hash as one safetensors file."""
    from safetensors.torch import save_file

    facts = {
        "version": _VERSION,
        "config": asdict(subspace.config),
        "seed": subspace.seed,
        "size": subspace.size,
        "checkpoint": checkpoint,
        "task": task,
    }
    # One key only: safetensors writes several in an order that changes from run to run.
    metadata = {_KEY: json.dumps(facts, sort_keys=True)}
    save_file({"theta": vector.cpu().contiguous()}, path, metadata)


def load_task_vector(path: Path) -> TaskVector:
    """Read what `save_task_vector` wrote.

    Raises:
        UserError: the file is missing, no task vector, or of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            facts = json.loads((stream.metadata() or {}).get(_KEY, "{}"))
            theta = stream.get_tensor("theta")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is not a task vector: {error}") from None
    if facts.get("version") != _VERSION:
        raise UserError(
            f"{path} is a task vector of version {facts.get('version')}, but this is {_VERSION}"
        )
    config = SubspaceConfig(**facts["config"])
    return TaskVector(
        theta, config, facts["seed"], facts["size"], facts["checkpoint"], facts["task"]
    )
