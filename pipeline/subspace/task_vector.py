"""A fine-tuned task as d numbers, a seed and the hash of the checkpoint they belong to (A21 §5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from pipeline.common.problem import Problem
from pipeline.errors import UserError
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.quantise import Quantised
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import FlatParameters, layout_hash

_VERSION = 3
_KEY = "task_vector"


@dataclass(frozen=True)
class Classifier:
    """The head that θ₀ was given for the task, and what its outputs mean.

    Attributes:
        seed: the head's initial weights come from ``(seed, "head")``.
        labels: the label names in the order of their ids; none for regression, whose one output is
            the answer.
        problem: the loss, by Hugging Face's name for it.
    """

    seed: int
    labels: tuple[str, ...]
    problem: Problem = "single_label_classification"

    def __post_init__(self) -> None:
        if self.problem == "regression":
            if self.labels:
                raise ValueError(f"labels are {list(self.labels)}, but regression has none")
        elif len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError(
                f"labels are {list(self.labels)}, but must be at least two, all different"
            )

    @property
    def outputs(self) -> int:
        """How many numbers the head puts out."""
        return len(self.labels) or 1


@dataclass(frozen=True, kw_only=True)
class TaskVector:
    """The d numbers and all that is needed to turn them into weights again.

    ``vector`` is the subspace's vector itself, or, quantised, how far it went from its start
    (θ^d = 0, λ = 1). ``dimension`` is d, ``layout`` the `layout_hash` of the model's parameters.
    ``classifier`` is None for a model whose parameters are all the checkpoint's own. ``weights``
    is the dtype that θ₀ and the weights are rounded to, by torch's name; None where it is float32
    or wider.
    """

    vector: torch.Tensor | Quantised
    config: SubspaceConfig
    seed: int
    dimension: int
    layout: str
    checkpoint: str
    task: str
    classifier: Classifier | None = None
    weights: str | None = None

    def apply(self, flat: FlatParameters, checkpoint: str) -> None:
        """Write the fine-tuned weights into a model that holds the same θ₀, head included.

        Args and errors are those of `subspace`.
        """
        self.subspace(flat, checkpoint).materialize()

    def subspace(self, flat: FlatParameters, checkpoint: str) -> Subspace:
        """The subspace that the numbers belong to, with its vector at them.

        Args:
            flat: the model's parameters, at θ₀.
            checkpoint: hash of the checkpoint that the model was opened from.

        Raises:
            UserError: the checkpoint or the model is another one, or has weights of another dtype.
        """
        self.check_checkpoint(checkpoint)
        if layout_hash(flat.spans) != self.layout:
            raise UserError(
                f"the task vector of {self.task!r} is for a model with other parameters than these "
                f"{len(flat.spans)} tensors: open the checkpoint with the task's number of labels"
            )
        if (held := _rounded(flat.values)) != self.weights:
            raise UserError(
                f"the task vector of {self.task!r} belongs to weights in "
                f"{self.weights or 'float32'}, but the model's are in {held or 'float32'}: cast "
                "them first"
            )
        if not 0 < self.dimension <= flat.size:
            # Asked before a subspace of that size is made.
            raise UserError(
                f"the task vector of {self.task!r} says d = {self.dimension}, but the model has "
                f"{flat.size} parameters"
            )
        subspace = Subspace(flat, self.config, self.dimension, self.seed)
        target = subspace.vector
        numbers = self.vector.codes if isinstance(self.vector, Quantised) else self.vector
        if numbers.shape != target.shape:
            raise UserError(
                f"the task vector of {self.task!r} holds {len(numbers)} numbers, "
                f"but d = {self.dimension} asks for {len(target)}"
            )
        if isinstance(self.vector, Quantised):
            target += self.vector.values(target.dtype).to(target.device)
        else:
            target.copy_(self.vector)
        return subspace

    def check_checkpoint(self, checkpoint: str) -> None:
        """Check that a checkpoint of this hash is the one that the numbers belong to.

        Raises:
            UserError: it is another one.
        """
        if checkpoint != self.checkpoint:
            raise UserError(
                f"the task vector of {self.task!r} belongs to checkpoint {self.checkpoint[:12]}…, "
                f"not to {checkpoint[:12]}…: give the checkpoint that it was trained on"
            )


def save_task_vector(
    path: Path,
    vector: torch.Tensor | Quantised,
    *,
    subspace: Subspace,
    checkpoint: str,
    task: str,
    classifier: Classifier | None = None,
) -> None:
    """Write a task's numbers with seed, method and checkpoint hash as one safetensors file.

    Args:
        path: the file to write.
        vector: the subspace's vector (as it was at the best epoch), or `quantise` of how far it
            is from its start.
        subspace: where the numbers were trained.
        checkpoint: hash of the checkpoint that holds θ₀.
        task: the task's name.
        classifier: the head that the checkpoint was given for the task, where it was.
    """
    from safetensors.torch import save_file

    tensors = (
        {"codes": vector.codes, "codebook": vector.codebook}
        if isinstance(vector, Quantised)
        else {"theta": vector.detach().cpu().contiguous()}
    )
    facts = {
        "version": _VERSION,
        "config": asdict(subspace.config),
        "seed": subspace.seed,
        "dimension": subspace.dimension,
        "layout": layout_hash(subspace.spans),
        "checkpoint": checkpoint,
        "task": task,
        "classifier": None if classifier is None else asdict(classifier),
    }
    if rounded := _rounded(subspace.weights):
        facts["weights"] = rounded
    # One key only: safetensors writes several in an order that changes from run to run.
    content = {**facts, "sha256": _digest(facts, tensors)}
    save_file(tensors, path, {_KEY: json.dumps(content, sort_keys=True)})


def load_task_vector(path: Path) -> TaskVector:
    """Read what `save_task_vector` wrote.

    Raises:
        UserError: the file is missing, damaged, no task vector, or of another version.
    """
    facts, tensors = _read(path)
    version = facts.get("version")
    if version != _VERSION:
        raise UserError(
            f"{path} is a task vector of version {version}, but version {_VERSION} is the one "
            "known here: make it again with the search that it came from"
        )
    if facts.pop("sha256", None) != _digest(facts, tensors):
        raise UserError(f"{path} is damaged: its content does not match its own hash")
    del facts["version"]
    try:
        return _of_facts(facts, tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is not a task vector that can be read: {error}") from None


def _of_facts(facts: dict[str, Any], tensors: Mapping[str, torch.Tensor]) -> TaskVector:
    if any(tensor.ndim != 1 for tensor in tensors.values()):
        raise ValueError("its numbers are no list")
    classifier = facts.pop("classifier")
    if classifier is not None:
        classifier = Classifier(**{**classifier, "labels": tuple(classifier["labels"])})
    return TaskVector(
        vector=tensors["theta"] if "theta" in tensors else Quantised(**tensors),
        config=SubspaceConfig(**facts.pop("config")),
        classifier=classifier,
        **facts,
    )


def _rounded(weights: torch.Tensor) -> str | None:
    """The dtype's name where it is narrower than that of the d numbers."""
    narrow = weights.element_size() < torch.float32.itemsize
    return str(weights.dtype).removeprefix("torch.") if narrow else None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The facts and the tensors of a file, whatever its version."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            facts = json.loads((stream.metadata() or {})[_KEY])
            return dict(facts), {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except KeyError:
        raise UserError(f"{path} is not a task vector: its header does not say so") from None
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise UserError(f"{path} is not a task vector that can be read: {error}") from None


def _digest(facts: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    """Hex SHA-256 of everything that the file says."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
