"""params.yaml as one tree of frozen dataclasses, each owned by the module that it configures."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.certificates.config import CertificateConfig
from pipeline.common.checked import AnyText, Seed
from pipeline.common.config import nearest
from pipeline.errors import UserError
from pipeline.finetuning.baseline import BaselineConfig
from pipeline.pretraining.recipe import ModelConfig
from pipeline.probes.config import SearchConfig
from pipeline.published.place import Place
from pipeline.report.style import ReportConfig
from pipeline.study.checkpoints import Checkpoint, predecessors
from pipeline.study.tasks import TaskConfig
from pipeline.study.trajectory import Pretraining, Trajectory
from pipeline.study.zoo import SweepConfig, ZooConfig
from pipeline.subspace.config import SubspaceConfig
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.representation.config import RepresentationConfig
from pipeline.taskspaces.transfer.config import TransferConfig
from pipeline.text.corpus import CorpusConfig
from pipeline.text.tokenizer import TokenizerConfig


@dataclass(frozen=True)
class Params:
    """Everything that decides a result; `pipeline.study.measured` says what is measured of it."""

    seed: Seed
    tasks: dict[AnyText, TaskConfig]
    search: SearchConfig
    baseline: BaselineConfig = field(default_factory=BaselineConfig)
    subspace: SubspaceConfig = field(default_factory=SubspaceConfig)
    checkpoints: dict[AnyText, Checkpoint] = field(default_factory=dict)
    trajectory: Trajectory = field(default_factory=Trajectory)
    pretrain: Pretraining = field(default_factory=Pretraining)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    corpus: CorpusConfig | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    zoo: ZooConfig = field(default_factory=ZooConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    certificates: CertificateConfig | None = None
    taskspaces: TaskSpaceConfig | None = None
    representation: RepresentationConfig | None = None
    transfer: TransferConfig | None = None
    report: ReportConfig = field(default_factory=ReportConfig)

    def pretrains(self) -> bool:
        """Whether this project makes the checkpoints itself."""
        return bool(self.checkpoints) and self.trajectory.source == "pretrain"

    def first(self) -> str:
        """The earliest checkpoint; of pretraining, the model before its first update."""
        return next(name for name, before in predecessors(self.checkpoints).items() if not before)

    def segments(self) -> dict[str, str]:
        """The checkpoints that pretraining makes, each with the one that it goes on from."""
        if not self.pretrains():
            return {}
        return {name: before for name, before in predecessors(self.checkpoints).items() if before}

    def segment(self, name: str) -> tuple[str, Checkpoint]:
        """The checkpoint that a segment starts from, and the line of the one that it makes.

        Raises:
            UserError: no segment makes a checkpoint of that name.
        """
        segments = self.segments()
        if name not in segments:
            raise UserError(
                f"params.yaml: checkpoints has no {name!r} that is pretrained: "
                f"{nearest(name, list(segments))}"
            )
        return segments[name], self.checkpoints[name]

    def task(self, name: str) -> TaskConfig:
        """The task of that name.

        Raises:
            UserError: there is none.
        """
        if name not in self.tasks:
            raise UserError(f"params.yaml has no task {name!r}: {nearest(name, list(self.tasks))}")
        return self.tasks[name]

    def published(self) -> dict[str, Place]:
        """Where each model lies that others published: a suite's checkpoints, and the zoo."""
        source, suite = self.trajectory.source, self.trajectory.suite
        places: dict[str, Place] = {}
        if source != "pretrain" and suite is not None:
            places |= {
                name: suite.place(source, line.step, line.label or name[1:], line.revision)
                for name, line in self.checkpoints.items()
            }
        return {**places, **{name: model.place() for name, model in self.zoo.models.items()}}

    def tokens_per_step(self) -> int | None:
        """Tokens that one step of the trajectory stands for, where that is known."""
        if self.pretrains():
            return self.pretrain.recipe.batch * self.pretrain.recipe.length
        return 1 if self.trajectory.unit == "tokens" else self.trajectory.tokens_per_update
