"""What the task's own subspace is compared with: each arm is trained with the same seeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch

from pipeline.common.artifacts import Journal, atomic_file, fingerprint, sha256
from pipeline.common.config import parse
from pipeline.common.seeds import derive, torch_generator
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import Run, fine_tune
from pipeline.finetuning.recipe import Recipe
from pipeline.subspace.basis import Basis
from pipeline.subspace.config import ProjectionConfig
from pipeline.subspace.layered import LayeredSubspace, LayerMap
from pipeline.subspace.projection import Projection
from pipeline.subspace.registry import make_projection
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.keeping import save_layered
from pipeline.taskspaces.result import Arm, ArmTraining
from pipeline.taskspaces.snapshots import LearnedLayer
from pipeline.training.parameters import Full

_LOG = logging.getLogger(__name__)
_RANDOM = ProjectionConfig(normalisation="column")
# The arm and seed by whose moves outliers are told.
MOVED: tuple[Arm, int] = ("basis", 0)
# A key of the journal's lines beside those of a training.
_IDENTITY, _VECTOR = "identity", "vector_sha256"


@dataclass(frozen=True)
class Arms:
    """Trains the arms of a cell; each finished training goes to a journal in ``scratch`` first.

    Attributes:
        cell: the model and the rows that arms are trained on.
        recipe: of every training.
        config: how a task's subspace is trained.
        layers: what was learned of each layer.
        identity: the hash of all that decides the layers and the trainings, but arm and seed.
        scratch: where the journal and the trainings' vectors lie.
    """

    cell: Cell
    recipe: Recipe
    config: TaskSpaceConfig
    layers: Sequence[LearnedLayer]
    identity: str
    scratch: Path

    def run(self, arm: Arm, seed: int, zeroed: torch.Tensor | None = None) -> ArmTraining:
        """An arm's training with a seed, from the journal or from training now.

        Args:
            arm: what is trained.
            seed: which training, from 0.
            zeroed: entries of θ^D that are set to zero before.
        """
        key = self._key(arm, seed)
        if key not in self._known:
            _LOG.info("%s, seed %d", arm, seed)
            trained, run = self._train(arm, seed, zeroed)
            # Only one training's moves are asked for; of a large model a vector is large.
            vector = self._keep(key, run) if (arm, seed) == MOVED else None
            row = {**asdict(trained), _IDENTITY: key, _VECTOR: vector}
            self._journal.append(row)
            self._known[key] = trained
            _LOG.info("  metric %s", trained.metric)
        return self._known[key]

    def keep(self, out: Path) -> None:
        """Write the training `MOVED`, which is finished, so that its model can be restored."""
        save_layered(out, self._vector(*MOVED), self.layers, self._step(), self.cell)

    def moves(self) -> list[torch.Tensor]:
        """How far each layer (D_layer,) was moved by the training `MOVED`, which is finished."""
        self.cell.reset()
        subspace = self._layered(*MOVED)
        subspace.vector.copy_(self._vector(*MOVED))
        return [move.cpu() for move in subspace.displacements()]

    def _train(
        self, arm: Arm, seed: int, zeroed: torch.Tensor | None
    ) -> tuple[ArmTraining, Run[None]]:
        cell = self.cell
        cell.reset()
        if zeroed is not None:
            with torch.no_grad():
                cell.flat.values[zeroed.to(cell.flat.values.device)] = 0
        whole = arm in ("full", "outliers_zeroed", "matched_zeroed")
        trainable = Full(cell.flat) if whole else self._layered(arm, seed)
        run: Run[None] = fine_tune(
            cell.network, trainable, cell.data.train, cell.data.eval, self.recipe,
            derive(cell.seed, "taskspace", seed),
        )  # fmt: skip
        dimension = 0 if isinstance(trainable, Full) else trainable.coordinates
        metric = run.best.metric if run.best else None
        return ArmTraining(
            arm, seed, dimension, len(trainable.vector), metric, run.train_metric, run.tokens,
            cell.flop(run),
        ), run  # fmt: skip

    def _layered(self, arm: Arm, seed: int) -> LayeredSubspace:
        """The subspace of an arm; the model must be at θ₀."""
        maps = [
            LayerMap(layer.spans, self._map(arm, seed, place, layer))
            for place, layer in enumerate(self.layers)
        ]
        count = sum(one.projection.d for one in maps if one.projection)
        return LayeredSubspace(self.cell.flat, maps, self._step(), self._start(count, seed))

    def _step(self) -> float:
        return self.config.learning_rate / self.recipe.learning_rate

    def _map(self, arm: Arm, seed: int, place: int, layer: LearnedLayer) -> Projection | None:
        if arm == "frozen":
            return None
        if arm == "random":
            lengths = [span.stop - span.start for span in layer.spans]
            own = derive(self.cell.seed, "taskspace", "random", seed, place)
            return make_projection(_RANDOM, len(layer.directions), lengths, own)
        rows = layer.mean[None] if arm == "mean_only" else layer.directions
        rows = rows[:1] if arm == "one_direction" else rows
        return Basis(rows.to(self.cell.flat.values.device))

    def _start(self, count: int, seed: int) -> torch.Tensor | None:
        """θ^t before training: the mean of h draws.

        Z23 trains h vectors whose mean is θ^t. All have the same gradient, so under Adam all move
        alike and their mean moves like a single vector: only where it starts remains of them.
        """
        if self.config.initial == "zero":
            return None
        generator = torch_generator(self.cell.seed, "taskspace", "start", seed)
        draws = torch.randn(self.config.averaged, count, generator=generator)
        return self.config.spread * draws.mean(0)

    def _key(self, arm: Arm, seed: int) -> str:
        return fingerprint([self.identity, arm, seed])[:32]

    def _path(self, key: str) -> Path:
        return self.scratch / f"{key}.safetensors"

    def _vector(self, arm: Arm, seed: int) -> torch.Tensor:
        from safetensors.torch import load_file

        return load_file(self._path(self._key(arm, seed)))["vector"]

    def _keep(self, key: str, run: Run[None]) -> str | None:
        """Write a training's vector; return its hash."""
        from safetensors.torch import save_file

        if run.vector is None:
            return None
        with atomic_file(self._path(key)) as temporary:
            save_file({"vector": run.vector.cpu()}, temporary)
        return sha256(self._path(key))

    @cached_property
    def _journal(self) -> Journal:
        return Journal(self.scratch / "arms.jsonl")

    @cached_property
    def _known(self) -> dict[str, ArmTraining]:
        """What the journal holds, by key, as far as its vectors are whole."""
        known = {}
        for row in self._journal.read():
            key, vector = row.pop(_IDENTITY), row.pop(_VECTOR)
            path = self._path(key)
            if vector is None or (path.exists() and sha256(path) == vector):
                known[key] = parse(ArmTraining, row, f"{self._journal.path}: training")
        return known
