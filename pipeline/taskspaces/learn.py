"""A cell's task-specific subspace: learned from snapshots, compared arm by arm (Z23)."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

import torch

from pipeline.common.artifacts import atomic_directory, atomic_file, fingerprint, sha256
from pipeline.common.code import code_hash
from pipeline.common.sealed import read_sealed, write_sealed
from pipeline.common.seeds import numpy_generator, torch_generator
from pipeline.common.status import Status
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.finetuning.result import Cost, FullResult, cost_of
from pipeline.probes.config import SearchConfig
from pipeline.subspace.layered import LayerMap
from pipeline.subspace.nested import Group, NestedBasis
from pipeline.taskspaces.arms import MOVED, Arms
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.directions import principal_directions
from pipeline.taskspaces.outliers import components, matched, outlying
from pipeline.taskspaces.own import OwnSearcher, groups_of
from pipeline.taskspaces.result import OUTLIERS, Arm, ArmTraining, OwnSearch, TaskSpaceResult
from pipeline.taskspaces.snapshots import (
    LearnedLayer,
    layers_of,
    learn_layer,
    read_snapshots,
    take_snapshots,
)
from pipeline.training.parameters import Span
from pipeline.training.stack import stack

_LOG = logging.getLogger(__name__)
# The packages whose code decides a training.
_CODE = ("common", "finetuning", "models", "subspace", "tasks", "taskspaces", "training")
_COMPARED: tuple[Arm, ...] = ("full", "basis", "random", "one_direction", "mean_only", "frozen")


@dataclass(frozen=True)
class TaskSpace:
    """Learns and compares the task-specific subspace of a cell.

    Attributes:
        cell: the model and the task.
        finetune: the task's recipe.
        full: full fine-tuning of the cell, whose best learning rate everything outside θ^t has.
        search: how d₉₀ is searched for, where that is asked for.
        config: how the subspace is learned.
        scratch: where finished trainings are kept, so that an interrupted stage goes on.
    """

    cell: Cell
    finetune: FinetuneConfig
    full: FullResult
    search: SearchConfig
    config: TaskSpaceConfig
    scratch: Path

    def learn(self, out: Path) -> TaskSpaceResult:
        """Learn, compare, and write ``result.json`` and the outliers' file to ``out``."""
        if self.full.learning_rate is None:
            reason = f"full fine-tuning: {self.full.reason}"
            return self._written(replace(self._described(), reason=reason), out)
        learning, comparing = self._rows()
        spent, layers = self._layers(learning)
        if not layers:
            reason = "the loss of the full fine-tuning for the snapshots left the numbers"
            return self._written(replace(self._described(), reason=reason, cost=spent), out)
        arms = self._arms(comparing, layers)
        compared = [arms.run(arm, seed) for arm in _COMPARED for seed in self._seeds()]
        result = replace(
            self._described(),
            status=Status.OK,
            dimension=max(len(layer.directions) for layer in layers),
            learning_rate=self.full.learning_rate,
            first_cosine=fmean(layer.first_cosine for layer in layers),
            first_share=fmean(layer.first_share for layer in layers),
        )
        found = arms.run(*MOVED).metric is not None
        result = self._zeroed(arms, result, compared, out) if found else result
        if found and self.config.keep:
            arms.keep(out)
        trainings = result.trainings or tuple(compared)
        searches = self._searches(comparing) if self.config.search else ()
        cost = _sum([spent, cost_of(trainings), *(one.cost for one in searches)])
        result = replace(result, trainings=trainings, searches=searches, cost=cost)
        self._written(result, out)
        # They are large, and nothing asks for them again.
        shutil.rmtree(self._snapshots())
        return result

    def _searches(self, cell: Cell) -> tuple[OwnSearch, ...]:
        """d₉₀ in the directions in which fine-tuning left θ₀, and in random ones."""
        groups = []
        for spans in groups_of(self.cell):
            rows = read_snapshots(self._snapshots(), spans, self.config.snapshots)
            rows -= LayerMap(spans, None).gathered(self.cell.origin).cpu()
            directions, _ = principal_directions(rows)
            groups.append(Group(spans, directions.to(self.cell.flat.values.device)))
        # A probe's identity does not know which half of the rows it is trained on.
        scratch = self.scratch / self._identity()
        searcher = OwnSearcher(cell, self.search, self.finetune, self.full, scratch)
        return searcher.search_both(NestedBasis(groups))

    def _zeroed(
        self, arms: Arms, result: TaskSpaceResult, compared: Sequence[ArmTraining], out: Path
    ) -> TaskSpaceResult:
        """With full fine-tuning after outliers, or others like them, were set to zero."""
        layers = layers_of(self.cell)
        outliers = outlying(arms.moves(), layers, self.config.sigmas)
        generator = torch_generator(self.cell.seed, "taskspace", "matched")
        others = matched(self.cell.origin, layers, outliers, generator)
        zeroed: dict[Arm, torch.Tensor] = {"outliers_zeroed": outliers, "matched_zeroed": others}
        trained = [arms.run(arm, seed, at) for arm, at in zeroed.items() for seed in self._seeds()]
        with atomic_file(out / OUTLIERS) as temporary:
            _save_outliers(temporary, outliers, layers)
        return replace(
            result,
            trainings=(*compared, *trained),
            components=components(layers, outliers),
            matched=len(others),
            outliers_sha256=sha256(out / OUTLIERS),
        )

    def _seeds(self) -> range:
        return range(self.config.seeds)

    def _rows(self) -> tuple[Cell, Cell]:
        """The cell with the rows that the basis is learned on, and with those of all arms."""
        if self.config.rows == "same":
            return self.cell, self.cell
        data = self.cell.data
        order = numpy_generator(self.cell.seed, "taskspace", "halves").permutation(len(data.train))
        middle = len(order) // 2
        halves = (data.train.take(order[:middle]), data.train.take(order[middle:]))
        first, second = (replace(self.cell, data=replace(data, train=half)) for half in halves)
        return first, second

    def _layers(self, cell: Cell) -> tuple[Cost, list[LearnedLayer]]:
        """The snapshots' cost and what each layer learned; no layers where training diverged."""
        folder = self._snapshots()
        if not folder.exists():
            _LOG.info("full fine-tuning for %d snapshots", self.config.snapshots)
            with atomic_directory(folder) as made:
                recipe = self._recipe(self.config.snapshots)
                run = take_snapshots(cell, groups_of(cell), recipe, made)
                spent = {"tokens": run.tokens, "flop": cell.flop(run), "taken": len(run.epochs)}
                write_sealed(made / "run.json", spent)
        facts = read_sealed(folder / "run.json")
        taken, config = facts.pop("taken"), self.config
        if taken < config.snapshots:
            return Cost(1, **facts), []
        return Cost(1, **facts), [
            learn_layer(
                spans,
                LayerMap(spans, None).gathered(cell.origin).cpu(),
                read_snapshots(folder, spans, taken),
                config,
            )
            for spans in layers_of(cell)
        ]

    def arms_in(self, layers: Sequence[LearnedLayer]) -> Arms:
        """The arms of the cell in other layers' directions, on the rows that all arms have."""
        digest = hashlib.sha256(self._identity().encode())
        for layer in layers:
            digest.update(layer.directions.numpy().tobytes())
        _, comparing = self._rows()
        return replace(self._arms(comparing, layers), identity=digest.hexdigest())

    def _arms(self, cell: Cell, layers: Sequence[LearnedLayer]) -> Arms:
        recipe = self._recipe(self.finetune.epochs)
        return Arms(cell, recipe, self.config, layers, self._identity(), self.scratch)

    def _recipe(self, epochs: int) -> Recipe:
        finetune = self.finetune
        return Recipe(
            epochs, finetune.batch, self.full.learning_rate or 0.0, finetune.warmup_fraction,
            finetune.optimizer, finetune.train_eval_rows,
        )  # fmt: skip

    def _snapshots(self) -> Path:
        return self.scratch / f"snapshots-{self._identity()}"

    def _identity(self) -> str:
        """The hash of everything that decides the layers and the trainings."""
        cell, finetune = self.cell, self.finetune
        computing = [finetune.precision_for(subspace=False), finetune.recompute]
        settings = [asdict(self.config), finetune.dropout, *computing]
        recipes = [asdict(self._recipe(n)) for n in (self.config.snapshots, finetune.epochs)]
        code, on = code_hash(*_CODE), stack(cell.flat.values.device)
        return fingerprint([code, on, cell.inputs, cell.seed, settings, recipes])[:32]

    def _described(self) -> TaskSpaceResult:
        """What was asked, of what; nothing is found yet."""
        full, config = self.full, self.config
        return TaskSpaceResult(
            full.model, full.task, full.step, full.metric, full.chance, Status.DIVERGED, "",
            config.snapshots, len(layers_of(self.cell)), config.dimension, config.rows,
            config.centre, config.subtract, config.initial, Cost(0, 0, 0.0), self.cell.inputs,
        )  # fmt: skip

    @staticmethod
    def _written(result: TaskSpaceResult, out: Path) -> TaskSpaceResult:
        result.write(out)
        return result


def _sum(costs: Sequence[Cost]) -> Cost:
    runs, tokens, flop = (
        sum(getattr(one, name) for one in costs) for name in ("runs", "tokens", "flop")
    )
    return Cost(runs, tokens, flop)


def _save_outliers(path: Path, outliers: torch.Tensor, layers: Sequence[Sequence[Span]]) -> None:
    """The outliers' places, and the ends of each parameter, by which chance can be told."""
    from safetensors.torch import save_file

    spans = sorted((span.start, span.stop) for layer in layers for span in layer)
    starts, stops = (torch.tensor([pair[end] for pair in spans]) for end in (0, 1))
    save_file({"outliers": outliers, "starts": starts, "stops": stops}, path)
