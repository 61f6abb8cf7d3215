"""A training in a task's own directions on disk, so that its model can be had again bit for bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pipeline.common.artifacts import Json, atomic_file, sha256
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.subspace.basis import Basis
from pipeline.subspace.layered import LayeredSubspace, LayerMap
from pipeline.subspace.layers import numbered_blocks
from pipeline.subspace.task_vector import Classifier
from pipeline.taskspaces.snapshots import LearnedLayer, name_of
from pipeline.training.parameters import FlatParameters, layout_hash

VECTOR, DIRECTIONS = "task.safetensors", "directions.safetensors"
_VERSION = 1
_KEY = "layered_vector"


@dataclass(frozen=True, kw_only=True)
class LayeredVector:
    """What was trained, and all that is needed to turn it into weights again.

    Attributes:
        vector: the coordinates of every layer, then the parameters outside the layers.
        step: by how much a coordinate moves its direction (`LayeredSubspace`).
        dimension: how many coordinates there are.
        layout: the `layout_hash` of the model's parameters.
        checkpoint: hash of the checkpoint that holds θ₀.
        task: the task's name, and ``classifier`` the head that the checkpoint was given for it.
        directions: the file with the directions, and ``directions_sha256`` its hash.
    """

    vector: torch.Tensor
    step: float
    dimension: int
    layout: str
    checkpoint: str
    task: str
    classifier: Classifier
    directions: Path
    directions_sha256: str

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

    def apply(self, flat: FlatParameters, checkpoint: str) -> None:
        """Write the fine-tuned weights into a model that holds the same θ₀, head included.

        Args:
            flat: the model's parameters, at θ₀.
            checkpoint: hash of the checkpoint that the model was opened from.

        Raises:
            UserError: the checkpoint or the model is another one, or the directions are damaged.
        """
        self.check_checkpoint(checkpoint)
        if layout_hash(flat.spans) != self.layout:
            raise UserError(
                f"the task vector of {self.task!r} is for a model with other parameters: open the "
                "checkpoint with the task's number of labels"
            )
        if not self.directions.exists() or sha256(self.directions) != self.directions_sha256:
            raise UserError(
                f"{self.directions} is missing or altered: it has the directions that the task "
                f"vector of {self.task!r} is about, and lies beside it"
            )
        held = KeptDirections(self.directions)
        maps = [
            LayerMap(spans, Basis(held[name_of(spans)][0].to(flat.values.device)))
            for spans in numbered_blocks(flat.spans)
        ]
        subspace = LayeredSubspace(flat, maps, self.step)
        subspace.vector.copy_(self.vector)
        subspace.materialize()


def save_layered(
    folder: Path, vector: torch.Tensor, layers: Sequence[LearnedLayer], step: float, cell: Cell
) -> None:
    """Write a training in the directions of these layers: its vector, and the directions beside it.

    Args:
        folder: where both files go.
        vector: `LayeredSubspace.vector` at the best epoch.
        layers: in the order of the model's.
        step: of that subspace.
        cell: what was trained.
    """
    from safetensors.torch import save_file

    directions = folder / DIRECTIONS
    held = {name_of(one.spans): one.directions.cpu().contiguous() for one in layers}
    held |= {_lengths(name_of(one.spans)): one.lengths.cpu() for one in layers}
    with atomic_file(directions) as temporary:
        save_file(held, temporary)
    kind, tensors = cell.data.kind, {"vector": vector.detach().cpu().contiguous()}
    facts = {
        "version": _VERSION,
        "step": step,
        "dimension": sum(len(one.directions) for one in layers),
        "layout": layout_hash(cell.flat.spans),
        "checkpoint": cell.inputs["checkpoint"],
        "task": cell.task,
        "classifier": asdict(Classifier(cell.seed, kind.labels, kind.problem)),
        "directions_sha256": sha256(directions),
    }
    with atomic_file(folder / VECTOR) as temporary:
        content = {**facts, "sha256": _digest(facts, tensors["vector"])}
        save_file(tensors, temporary, {_KEY: json.dumps(content, sort_keys=True)})


def load_layered(path: Path) -> LayeredVector | None:
    """Read what `save_layered` wrote; None where the file is no such vector but maybe another.

    Raises:
        UserError: the file is damaged or of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            header = (stream.metadata() or {}).get(_KEY)
            if header is None:
                return None
            facts, vector = json.loads(header), stream.get_tensor("vector")
        told = facts.pop("sha256")
        if told != _digest(facts, vector):
            raise UserError(f"{path} is damaged: its content does not match its own hash")
        return _of_facts(path, facts, vector)
    except OSError:
        return None
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a task vector that can be read: {error}") from None


class KeptDirections(Mapping[str, tuple[torch.Tensor, torch.Tensor]]):
    """What a file of directions holds, by the name of each layer's first parameter.

    A value is V (k, D_layer) with the lengths (k,) of its directions; it is read when it is asked
    for, because those of all layers are many times the model.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """A layer's directions and their lengths."""
        from safetensors import safe_open

        if name not in list(self):
            raise KeyError(name)
        with safe_open(self._path, framework="pt") as stream:
            return stream.get_tensor(name), stream.get_tensor(_lengths(name))

    def __iter__(self) -> Iterator[str]:
        """The layers' names."""
        from safetensors import safe_open

        with safe_open(self._path, framework="pt") as stream:
            names = set(stream.keys())
        return iter(sorted(name for name in names if _lengths(name) in names))

    def __len__(self) -> int:
        """How many layers there are."""
        return len(list(iter(self)))


def _lengths(name: str) -> str:
    return f"{name} lengths"


def _of_facts(path: Path, facts: Json, vector: torch.Tensor) -> LayeredVector:
    version = facts.pop("version")
    if version != _VERSION:
        raise UserError(
            f"{path} is a task vector of version {version}, but version {_VERSION} is the one "
            "known here: make it again"
        )
    head = facts.pop("classifier")
    classifier = Classifier(**{**head, "labels": tuple(head["labels"])})
    directions = path.with_name(DIRECTIONS)
    return LayeredVector(vector=vector, classifier=classifier, directions=directions, **facts)


def _digest(facts: Json, vector: torch.Tensor) -> str:
    """Hex SHA-256 of everything that the file says."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(vector.numpy().tobytes())
    return digest.hexdigest()
