"""params.yaml as one tree of frozen dataclasses, each owned by the module that it configures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline import paths
from pipeline.cells.said import SaidConfig
from pipeline.config import nearest, parse, read_yaml
from pipeline.errors import UserError
from pipeline.finetuning import FinetuneConfig
from pipeline.pretraining.mlm import ModelConfig
from pipeline.pretraining.recipe import PretrainConfig
from pipeline.report.style import ReportConfig
from pipeline.subspace.structure import SubspaceConfig
from pipeline.tasks.prepare import TaskDataConfig
from pipeline.text.corpus import CorpusConfig
from pipeline.text.tokenizer import TokenizerConfig

FIRST = "s0"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


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
    """

    recipe: PretrainConfig
    segments: dict[str, Segment]
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
    """The checkpoints to measure, name → update."""

    checkpoints: dict[str, int]


@dataclass(frozen=True)
class TaskConfig:
    """A task's data and how it is fine-tuned."""

    data: TaskDataConfig
    finetune: FinetuneConfig


@dataclass(frozen=True)
class Params:
    """Everything that decides a result."""

    seed: int
    tokenizer: TokenizerConfig
    corpus: CorpusConfig
    model: ModelConfig
    pretrain: Pretraining
    trajectory: Trajectory
    tasks: dict[str, TaskConfig]
    subspace: SubspaceConfig
    said: SaidConfig
    report: ReportConfig = field(default_factory=ReportConfig)

    def task(self, name: str) -> TaskConfig:
        """The task of that name.

        Raises:
            UserError: there is none.
        """
        if name not in self.tasks:
            raise UserError(f"params.yaml has no task {name!r}: {nearest(name, list(self.tasks))}")
        return self.tasks[name]

    def check(self) -> None:
        """Check what no single section can see.

        Raises:
            UserError: names that DVC or the shell would trip over, a broken chain of segments, a
                checkpoint that is never made, blocks longer than the model's positions.
        """
        for section, names in (
            ("pretrain.segments", self.pretrain.segments),
            ("trajectory.checkpoints", self.trajectory.checkpoints),
            ("tasks", self.tasks),
        ):
            for name in names:
                if not _NAME.fullmatch(name):
                    raise UserError(
                        f"params.yaml: {section} has the name {name!r}: use small letters, digits "
                        "and _, a letter first (DVC drops names that look like numbers)"
                    )
        self._check_chain()
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
        for name, step in self.trajectory.checkpoints.items():
            if steps.get(name) != step:
                made = ", ".join(f"{known}: {at}" for known, at in steps.items())
                raise UserError(
                    f"params.yaml: trajectory.checkpoints has {name}: {step}, but pretraining "
                    f"makes {made}"
                )

    def _check_fairseq(self) -> None:
        recipe, steps = self.pretrain.recipe, self.pretrain.steps()
        where = "params.yaml: pretrain.backend is fairseq, "
        if recipe.compile:
            raise UserError(f"{where}which cannot compile: set pretrain.recipe.compile to false")
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


def load(path: Path = paths.PARAMS) -> Params:
    """Read and check params.yaml.

    Raises:
        UserError: one sentence on the first mistake found.
    """
    params = parse(Params, read_yaml(path), str(path) + ": params")
    params.check()
    return params


def as_dict(path: Path = paths.PARAMS) -> dict[str, Any]:
    """params.yaml as it stands, for the record in the report."""
    return read_yaml(path)
