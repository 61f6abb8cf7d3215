"""params.yaml as one tree of frozen dataclasses, each owned by the module that it configures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline import paths
from pipeline.common.config import nearest, parse, read_yaml
from pipeline.errors import UserError
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.pretraining.recipe import ModelConfig, PretrainConfig
from pipeline.probes.config import SaidConfig
from pipeline.published.place import Place
from pipeline.published.suites import SuiteConfig
from pipeline.report.style import ReportConfig
from pipeline.study.zoo import SweepConfig, ZooConfig, check_zoo
from pipeline.subspace.config import SubspaceConfig
from pipeline.tasks.prepare import TaskDataConfig
from pipeline.text.corpus import CorpusConfig
from pipeline.text.tokenizer import TokenizerConfig

FIRST = "s0"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# What only pretraining of our own needs, and so may lack where the trajectory is a suite's.
_OF_PRETRAINING = ("tokenizer", "corpus", "model")


@dataclass(frozen=True)
class Segment:
    """A piece of pretraining: from the checkpoint ``after`` to update ``step``.

    With ``decay``, which needs the constant schedule, the learning rate falls to 0 over it.
    """

    after: str
    step: int
    decay: bool = False


@dataclass(frozen=True)
class Pretraining:
    """The recipe, and the chain of segments that ends in one checkpoint each.

    ``backend`` says who trains: the project's own loop, or fairseq in its own environment.
    ``keep_state`` says which checkpoints keep what resuming from them needs, twice the size of
    their weights: ``all``, or the ``last`` of each chain once ``python -m stages.prune`` has run.
    ``start`` is the checkpoint drawn from the seed, ``[s0]``; ``[]`` leaves out all of pretraining,
    the tokenizer and the corpus with it.
    """

    start: tuple[str, ...]
    segments: dict[str, Segment]
    recipe: PretrainConfig = field(default_factory=PretrainConfig)
    backend: Literal["native", "fairseq"] = "native"
    keep_state: Literal["all", "last"] = "all"

    def segment(self, name: str) -> Segment:
        """The segment that ends in the checkpoint of that name.

        Raises:
            UserError: there is none.
        """
        if name not in self.segments:
            raise UserError(
                f"params.yaml: pretrain.segments has no {name!r}: "
                f"{nearest(name, list(self.segments))}"
            )
        return self.segments[name]

    def steps(self) -> dict[str, int]:
        """Update of every checkpoint by name, step 0 among them."""
        return {FIRST: 0, **{name: segment.step for name, segment in self.segments.items()}}


@dataclass(frozen=True)
class Trajectory:
    """The checkpoints to measure, name → update, who made them, and how their searches start.

    ``near`` maps every checkpoint to ``said/NEIGHBOUR``, whose d₉₀ its searches start from, or to
    ``baseline/ITSELF`` where they start from nothing. It names folders below ``results/``.

    ``source`` is ``pretrain`` (this project), or a published suite of the ``hub`` or of a local
    ``folder`` (``suite``). ``tokenizer`` is the folder whose tokenizer the tasks are tokenised
    with: ``data/tokenizer``, or a suite's checkpoint such as ``checkpoints/s0/model``. ``unit`` is
    what the checkpoints' numbers count; ``tokens_per_update`` lets figures count in tokens.
    """

    source: Literal["pretrain", "hub", "folder"]
    tokenizer: str
    checkpoints: dict[str, int]
    near: dict[str, str]

    def neighbour(self, name: str) -> str | None:
        """The checkpoint whose searches come before those of ``name``; None where none do."""
        stage, _, other = self.near[name].partition("/")
        return other if stage == "said" else None

    unit: Literal["updates", "epochs", "tokens"] = "updates"
    tokens_per_update: int | None = None

    def __post_init__(self) -> None:
        if self.tokens_per_update is not None and self.tokens_per_update < 1:
            raise ValueError(
                f"tokens_per_update is {self.tokens_per_update}, but must be at least 1"
            )

    def tokens(self) -> int | None:
        """Tokens that one of ``unit`` stands for, where that is known."""
        return 1 if self.unit == "tokens" else self.tokens_per_update


@dataclass(frozen=True)
class TaskConfig:
    """A task's data and how it is fine-tuned."""

    data: TaskDataConfig
    finetune: FinetuneConfig


@dataclass(frozen=True)
class Params:
    """Everything that decides a result."""

    seed: int
    pretrain: Pretraining
    trajectory: Trajectory
    suite: SuiteConfig
    tasks: dict[str, TaskConfig]
    subspace: SubspaceConfig
    said: SaidConfig
    zoo: ZooConfig
    sweep: SweepConfig
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    corpus: CorpusConfig | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    report: ReportConfig = field(default_factory=ReportConfig)

    def task(self, name: str) -> TaskConfig:
        """The task of that name.

        Raises:
            UserError: there is none.
        """
        if name not in self.tasks:
            raise UserError(f"params.yaml has no task {name!r}: {nearest(name, list(self.tasks))}")
        return self.tasks[name]

    def published(self, name: str) -> tuple[Place, int]:
        """Where a model that others published lies, and its update.

        Raises:
            UserError: there is none of that name.
        """
        if name in self.zoo.models:
            return self.zoo.models[name], 0
        place = self.suite.place(name, self.trajectory.source)
        return place, self.suite.checkpoints[name].step

    def tokens_per_step(self) -> int | None:
        """Tokens that one step of the trajectory stands for, where that is known."""
        recipe = self.pretrain.recipe
        own = recipe.batch * recipe.length if self.trajectory.source == "pretrain" else None
        return self.trajectory.tokens() or own

    def check(self) -> None:
        """Check what no single section can see.

        Raises:
            UserError: names that DVC or the shell would trip over, a broken chain of segments, a
                checkpoint that is never made, blocks longer than the model's positions.
        """
        for section, names in (
            ("pretrain.segments", self.pretrain.segments),
            ("suite.checkpoints", self.suite.checkpoints),
            ("trajectory.checkpoints", self.trajectory.checkpoints),
            ("tasks", self.tasks),
            ("zoo.models", self.zoo.models),
        ):
            for name in names:
                if not _NAME.fullmatch(name):
                    raise UserError(
                        f"params.yaml: {section} has the name {name!r}: use small letters, digits "
                        "and _, a letter first (DVC drops names that look like numbers)"
                    )
        if self.trajectory.source == "pretrain":
            self._check_pretraining()
        else:
            self._check_suite()
        self._check_near()
        taken = (*self.pretrain.steps(), *self.suite.checkpoints)
        check_zoo(self.zoo, self.sweep, list(self.tasks), taken)
        if self.report.axis == "tokens" and self.tokens_per_step() is None:
            raise UserError(
                "params.yaml: report.axis is tokens, so trajectory.tokens_per_update must say how "
                f"many tokens one of the trajectory's {self.trajectory.unit} has"
            )

    def _check_pretraining(self) -> None:
        if list(self.pretrain.start) != [FIRST] or self.trajectory.tokenizer != str(
            paths.TOKENIZER
        ):
            raise UserError(
                f"params.yaml: trajectory.source is pretrain, so pretrain.start must be [{FIRST}] "
                f"and trajectory.tokenizer {paths.TOKENIZER}"
            )
        if self.suite.checkpoints:
            raise UserError(
                "params.yaml: suite.checkpoints is not empty: set trajectory.source to hub or "
                "folder, or remove the suite"
            )
        self._check_chain()
        recipe = self.pretrain.recipe
        if self.trajectory.unit != "updates" or self.trajectory.tokens_per_update not in (
            None,
            recipe.batch * recipe.length,
        ):
            raise UserError(
                "params.yaml: pretraining counts updates of pretrain.recipe.batch × length = "
                f"{recipe.batch * recipe.length} tokens: leave trajectory.unit and "
                "trajectory.tokens_per_update at that, or out"
            )
        assert self.corpus is not None
        if self.pretrain.backend == "fairseq":
            self._check_fairseq()
        length = self.pretrain.recipe.length
        if length > self.model.positions:
            raise UserError(
                f"params.yaml: pretrain.recipe.length is {length}, above model.positions "
                f"{self.model.positions}"
            )
        if self.corpus.max_sentence_tokens > length - 2:
            raise UserError(
                "params.yaml: corpus.max_sentence_tokens is "
                f"{self.corpus.max_sentence_tokens}, but "
                f"pretrain.recipe.length {length} leaves room for {length - 2}"
            )
        for name, task in self.tasks.items():
            if task.data.max_length > self.model.positions:
                raise UserError(
                    f"params.yaml: tasks.{name}.data.max_length is {task.data.max_length}, above "
                    f"model.positions {self.model.positions}"
                )

    def _check_suite(self) -> None:
        if self.pretrain.start or self.pretrain.segments:
            raise UserError(
                f"params.yaml: trajectory.source is {self.trajectory.source}, so nothing is "
                "pretrained: set pretrain to {start: [], segments: {}}"
            )
        if self.trajectory.checkpoints or not self.zoo.models:
            self.suite.check(self.trajectory.source)
        steps = {name: checkpoint.step for name, checkpoint in self.suite.checkpoints.items()}
        _check_measured(self.trajectory.checkpoints, steps, "suite.checkpoints has")
        allowed = [str(paths.model(name)) for name in (*steps, *self.zoo.models)]
        if self.trajectory.tokenizer not in allowed:
            raise UserError(
                f"params.yaml: trajectory.tokenizer is {self.trajectory.tokenizer!r}, but must be "
                f"the folder of a checkpoint or of a model of the zoo, such as {allowed[0]}"
            )

    def _check_chain(self) -> None:
        steps = self.pretrain.steps()
        horizon = self.pretrain.recipe.total_steps
        for name, segment in self.pretrain.segments.items():
            where = f"params.yaml: pretrain.segments.{name}"
            if segment.after not in steps:
                raise UserError(
                    f"{where}.after is {segment.after!r}: {nearest(segment.after, list(steps))}"
                )
            if segment.step <= steps[segment.after]:
                raise UserError(
                    f"{where}.step is {segment.step}, not after {segment.after}'s "
                    f"{steps[segment.after]}"
                )
            if segment.decay and self.pretrain.recipe.schedule != "constant":
                raise UserError(
                    f"{where}.decay needs pretrain.recipe.schedule: constant (linear decays anyway)"
                )
            if segment.step > horizon and self.pretrain.recipe.schedule == "linear":
                raise UserError(
                    f"{where}.step is {segment.step}, but the learning rate is 0 from "
                    f"pretrain.recipe.total_steps {horizon} on"
                )
        _check_measured(self.trajectory.checkpoints, steps, "pretraining makes")

    def _check_fairseq(self) -> None:
        recipe, steps = self.pretrain.recipe, self.pretrain.steps()
        where = "params.yaml: pretrain.backend is fairseq, "
        if recipe.compile:
            raise UserError(f"{where}which cannot compile: set pretrain.recipe.compile to false")
        if recipe.precision == "bf16":
            raise UserError(
                f"{where}which has no bf16 autocast: set pretrain.recipe.precision to bf16_weights "
                "or fp32"
            )
        if recipe.batch % recipe.micro_batch:
            raise UserError(
                f"{where}which needs pretrain.recipe.batch {recipe.batch} to be a multiple of "
                f"micro_batch {recipe.micro_batch}"
            )
        for name, segment in self.pretrain.segments.items():
            if segment.decay and steps[segment.after] < recipe.warmup_steps:
                raise UserError(
                    f"{where}which cannot decay in pretrain.segments.{name} before the end of the "
                    f"warm-up at update {recipe.warmup_steps}"
                )

    def _check_near(self) -> None:
        checkpoints, near = self.trajectory.checkpoints, self.trajectory.near
        if set(near) != set(checkpoints):
            odd = sorted(set(near) ^ set(checkpoints))[0]
            raise UserError(
                f"params.yaml: trajectory.near and trajectory.checkpoints must name the same "
                f"checkpoints, but {odd!r} is in one of them only"
            )
        for name, source in near.items():
            possible = [f"baseline/{name}", *(f"said/{other}" for other in checkpoints)]
            if source not in possible:
                raise UserError(
                    f"params.yaml: trajectory.near.{name} is {source!r}: "
                    f"{nearest(source, possible)}"
                )
        for name in near:
            seen = [name]
            while (before := self.trajectory.neighbour(seen[-1])) is not None:
                if before in seen:
                    raise UserError(
                        f"params.yaml: trajectory.near.{name} leads back to {before}: one "
                        "checkpoint of the circle must start from baseline/…"
                    )
                seen.append(before)


def _check_measured(measured: Mapping[str, int], steps: Mapping[str, int], makes: str) -> None:
    for name, step in measured.items():
        if steps.get(name) != step:
            made = ", ".join(f"{known}: {at}" for known, at in steps.items())
            raise UserError(
                f"params.yaml: trajectory.checkpoints has {name}: {step}, but {makes} {made}"
            )


def load(path: Path = paths.PARAMS) -> Params:
    """Read and check params.yaml.

    Raises:
        UserError: one sentence on the first mistake found.
    """
    content = read_yaml(path)
    params = parse(Params, content, str(path) + ": params")
    missing = [key for key in _OF_PRETRAINING if key not in content]
    if params.trajectory.source == "pretrain" and missing:
        raise UserError(f"{path}: params lacks the key {missing[0]!r}, which pretraining needs")
    params.check()
    return params


def as_dict(path: Path = paths.PARAMS) -> dict[str, Any]:
    """params.yaml as it stands, for the record in the report."""
    return read_yaml(path)
