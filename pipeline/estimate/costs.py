"""What a study will cost, from its parameters' numbers alone: nothing is run or loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline import paths
from pipeline.common.sealed import read_sealed
from pipeline.dimension.grid import grid_values
from pipeline.errors import UserError
from pipeline.estimate.beyond import add_beyond, add_transfer
from pipeline.estimate.expected import (
    FULL_EVALUATIONS,
    Searched,
    evaluations_an_epoch,
    full_epochs,
    most_trainings,
    search_trainings,
)
from pipeline.estimate.largest import Peak, peaks
from pipeline.estimate.rows import TaskSize, task_size
from pipeline.estimate.sizes import ModelSize, published_size
from pipeline.estimate.sums import Sized, Sum
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SearchConfig
from pipeline.study.graph import graph_items
from pipeline.study.measured import MeasuredModel, measured_models
from pipeline.study.params import Params
from pipeline.training.cost import EncoderSize

# AdamW's moments; fairseq's own checkpoint has the weights once more.
_STATE_BYTES_PER_PARAMETER = {"native": 8, "fairseq": 12}
_WEIGHT_BYTES = 4


@dataclass(frozen=True)
class Estimate:
    """What a study costs, and what was assumed.

    Attributes:
        stages: that DVC has.
        parameters: of the largest model.
        probes: the most that the searches and sweeps can take.
        tokens: trained on, by part, as is expected of the protocols.
        flop: of trainings and evaluations, by part.
        most_flop: of the searches, if no probe ends early and each takes all its probes.
        disk_bytes: of checkpoints.
        sizes: rows and lengths that were counted for each task (with the first model's tokens).
        guessed_sizes: published models whose size is a guess.
        protocols: of full fine-tuning and of the searches.
        memory: of the largest trainings, by what they are called.
    """

    stages: int
    parameters: int
    probes: int
    tokens: dict[str, float]
    flop: dict[str, float]
    most_flop: float
    disk_bytes: float
    sizes: dict[str, TaskSize]
    guessed_sizes: int
    protocols: tuple[str, str]
    memory: dict[str, Peak]

    @property
    def guessed(self) -> tuple[str, ...]:
        """Tasks of which a row count is a guess."""
        sizes = self.sizes.items()
        return tuple(
            name for name, size in sizes if not all(split.rows_known for split in size.splits)
        )

    def hours(self, flop_per_second: float) -> float:
        """Hours of arithmetic at a sustained rate."""
        return sum(self.flop.values()) / flop_per_second / 3600


def estimate(params: Params, prepared: bool = False) -> Estimate:
    """Add up pretraining, full fine-tuning, searches and sweeps, and what goes beyond d₉₀.

    Args:
        params: what is to be run.
        prepared: whether rows and lengths may be read from the tasks that lie prepared in ``data``.
    """
    groups = list(sized_models(params, prepared))
    total, probes = Sum(), 0
    if params.pretrains():
        recipe, size = params.pretrain.recipe, groups[0].size.encoder
        last = max(line.step for line in params.checkpoints.values())
        tokens = float(last * recipe.batch * recipe.length)
        total.tokens["pretraining"] = tokens
        total.flop["pretraining"] = tokens * size.training_flop(
            recipe.length, recipe.mask_probability
        )
    for group in groups:
        probes += _add_cells(params, group, total)
    probes += _add_sweeps(params, groups, total)
    most = total.flop.pop("most", 0.0)
    total.tokens.pop("most", None)
    sizes = {name: size for group in reversed(groups) for name, size in group.tasks.items()}
    return Estimate(
        stages=_stages(params),
        parameters=max(group.size.parameters for group in groups),
        probes=probes,
        tokens=dict(total.tokens),
        flop=dict(total.flop),
        most_flop=most,
        disk_bytes=_disk(params, groups),
        sizes={name: sizes[name] for name in params.tasks if name in sizes},
        guessed_sizes=sum(not group.size.known for group in groups),
        protocols=(params.baseline.protocol, params.search.protocol),
        memory=peaks(params, [(group, _grid(params, group)[-1]) for group in groups]),
    )


def efficiently(params: Params) -> Params:
    """The same study with the efficient protocols, where cells start from their neighbours'."""
    return replace(
        params,
        baseline=replace(params.baseline, protocol="efficient"),
        search=replace(params.search, protocol="efficient"),
        trajectory=replace(params.trajectory, neighbours=True),
    )


def by_precision(
    params: Params, precisions: Sequence[float], prepared: bool = False
) -> dict[float, Estimate]:
    """The same study for each precision that its searches might be asked for.

    Raises:
        UserError: its searches' protocol is none that can be asked for a precision.
        ValueError: a precision is not above 1.
    """
    search = params.search
    if search.protocol != "efficient":
        raise UserError(
            f"search.protocol is {search.protocol!r}, which cannot be asked for a precision: say "
            "--efficient too"
        )
    asked = {one: replace(search.efficient, precision=one) for one in precisions}
    return {
        one: estimate(replace(params, search=replace(search, efficient=config)), prepared)
        for one, config in asked.items()
    }


def sized_models(params: Params, prepared: bool = False) -> Iterator[Sized]:
    """Every measured model with its size."""
    places, own = params.published(), _own_size(params)
    for model in measured_models(params):
        size = published_size(places[model.name]) if model.name in places else own
        tasks = {name: _task_size(params, model, name, prepared) for name in model.tasks}
        yield Sized(model, size, tasks)


def _task_size(params: Params, model: MeasuredModel, task: str, prepared: bool) -> TaskSize:
    manifest = paths.task(model.tokens, task) / "manifest.json"
    known = read_sealed(manifest) if prepared and manifest.exists() else None
    return task_size(params.tasks[task].data, known)


def _own_size(params: Params) -> ModelSize:
    """The size of the model that this project pretrains."""
    model = params.model
    size = EncoderSize(
        layers=model.layers,
        width=model.width,
        feed_forward=model.feed_forward,
        vocabulary=params.tokenizer.vocab_size,
        positions=model.positions,
    )
    return ModelSize(size, size.classifier_parameters(2))


def _add_cells(params: Params, group: Sized, total: Sum) -> int:
    """Add a model's full fine-tunings and searches; return the most probes these can take."""
    for name in group.tasks:
        add_cell(params, group, name, total)
    add_transfer(params, group, total)
    return math.ceil(
        len(group.model.searched) * most_trainings(params.search, _grid(params, group))
    )


def _grid(params: Params, group: Sized) -> tuple[int, ...]:
    """The values of d that a model's searches may try."""
    layers = group.size.encoder.layers + 2 if params.subspace.method == "said" else 0
    return grid_values(params.search.grid, layers, group.size.parameters)


def add_cell(params: Params, group: Sized, name: str, total: Sum) -> None:
    """Add a model's full fine-tuning on a task, and its search with what follows from it."""
    search, baseline = params.search, params.baseline
    size, model, task = group.size.encoder, group.model, group.tasks[name]
    config, grid = params.tasks[name].finetune, _grid(params, group)
    total.add(
        "baseline",
        size,
        task,
        full_epochs(config, baseline),
        evaluations=FULL_EVALUATIONS[baseline.protocol],
    )
    add_beyond(params, group, name, total)
    if name not in model.searched:
        return
    neighbours = params.trajectory.neighbours and model.family == "trajectory"
    often = evaluations_an_epoch(search, config, task.train.rows)
    usual = search_trainings(search, Searched(grid, task.eval.rows, neighbours, often))
    epochs, share = search.epochs or config.epochs, _share(search, config, task.train.rows)
    total.add("search", size, task, usual * epochs, share=share)
    total.add("most", size, task, most_trainings(search, grid) * epochs, share=share)


def _share(search: SearchConfig, finetune: FinetuneConfig, rows: int) -> float:
    """The share of a whole probe's examples that a cap on its updates lets it train on."""
    cap = search.efficient.max_steps if search.protocol == "efficient" else None
    whole = rows * (search.epochs or finetune.epochs)
    return 1.0 if cap is None else min(1.0, cap * finetune.batch / whole)


def _add_sweeps(params: Params, groups: Sequence[Sized], total: Sum) -> int:
    """Add the sweeps, every probe of which is trained whole; return their number."""
    sweep = params.sweep
    swept = [group for group in groups if group.model.name in sweep.models]
    runs = [
        add_sweep(params, group, name, total)
        for group in swept
        for name in sweep.tasks
        for _ in sweep.methods
    ]
    return sum(runs)


def add_sweep(params: Params, group: Sized, name: str, total: Sum) -> int:
    """Add a sweep of a model on a task with one method; return its probes."""
    probes = params.sweep.probes
    runs = len(probes.values()) * probes.tried() * probes.seeds
    epochs = runs * (probes.epochs or params.tasks[name].finetune.epochs)
    total.add("sweep", group.size.encoder, group.tasks[name], epochs)
    return runs


def _stages(params: Params) -> int:
    """The stages that DVC has: an item of the graph each, and three for each pretraining."""
    items = graph_items(params)
    once = len(("settings", "collect", "report"))
    return once + 2 * len(items["pretraining"]) + sum(map(len, items.values()))


def _disk(params: Params, groups: Sequence[Sized]) -> float:
    """Bytes of checkpoints: weights, and the state that resuming needs."""
    weights = sum(float(group.size.parameters * _WEIGHT_BYTES) for group in groups)
    if not params.pretrains():
        return weights
    own = _own_size(params).parameters
    unmeasured = sum(not line.measured for line in params.checkpoints.values())
    states = len(params.checkpoints) if params.pretrain.keep_state == "all" else 1
    state_bytes = _STATE_BYTES_PER_PARAMETER[params.pretrain.backend]
    return weights + float(own * (unmeasured * _WEIGHT_BYTES + states * state_bytes))
