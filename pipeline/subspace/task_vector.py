"""A fine-tuned task as d numbers, a seed and the hash of the checkpoint they belong to (A21 §5)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pipeline.errors import UserError
from pipeline.subspace.layout import FlatParameters, fingerprint
from pipeline.subspace.quantise import Quantised
from pipeline.subspace.structure import Subspace, SubspaceConfig

_VERSION = 1
_KEY = "task_vector"


@dataclass(frozen=True)
class TaskVector:
    """The d numbers and all that is needed to turn them into weights again.

    ``vector`` is the subspace's vector itself, or, quantised, how far it went from its start
    (θ^d = 0, λ = 1). ``dimension`` is d, ``layout`` the `fingerprint` of the model's parameters.
    """

    vector: torch.Tensor | Quantised
    config: SubspaceConfig
    seed: int
    dimension: int
    layout: str
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
        if fingerprint(flat.spans) != self.layout:
            raise UserError(
                f"the task vector of {self.task!r} is for a model with other parameters than these "
                f"{len(flat.spans)} tensors: open the checkpoint with the task's number of labels"
            )
        subspace = Subspace(flat, self.config, self.dimension, self.seed)
        target = subspace.vector
        if isinstance(self.vector, Quantised):
            target += self.vector.values(target.dtype).to(target.device)
        elif self.vector.shape == target.shape:
            target.copy_(self.vector)
        else:
            raise UserError(
                f"the task vector of {self.task!r} holds {len(self.vector)} numbers, "
                f"but d = {self.dimension} asks for {len(target)}"
            )
        subspace.materialize()


def save_task_vector(
    path: Path, vector: torch.Tensor | Quantised, subspace: Subspace, checkpoint: str, task: str
) -> None:
    """Write a task's numbers with seed, method and checkpoint hash as one safetensors file.

    Args:
        path: the file to write.
        vector: the subspace's vector (as it was at the best epoch), or `quantise` of how far it
            is from its start.
        subspace: where the numbers were trained.
        checkpoint: hash of the checkpoint that holds θ₀.
        task: the task's name.
    """
    from safetensors.torch import save_file

    facts = {
        "version": _VERSION,
        "config": asdict(subspace.config),
        "seed": subspace.seed,
        "dimension": subspace.dimension,
        "layout": fingerprint(subspace.spans),
        "checkpoint": checkpoint,
        "task": task,
    }
    # One key only: safetensors writes several in an order that changes from run to run.
    metadata = {_KEY: json.dumps(facts, sort_keys=True)}
    tensors = (
        {"codes": vector.codes, "codebook": vector.codebook}
        if isinstance(vector, Quantised)
        else {"theta": vector.detach().cpu().contiguous()}
    )
    save_file(tensors, path, metadata)


def load_task_vector(path: Path) -> TaskVector:
    """Read what `save_task_vector` wrote.

    Raises:
        UserError: the file is missing, no task vector, or of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            facts = json.loads((stream.metadata() or {}).get(_KEY, "{}"))
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is not a task vector: {error}") from None
    if facts.pop("version", None) != _VERSION:
        raise UserError(f"{path} is not a task vector of version {_VERSION}, the one known here")
    return TaskVector(
        tensors["theta"] if "theta" in tensors else Quantised(**tensors),
        SubspaceConfig(**facts.pop("config")),
        **facts,
    )
