"""What both measurements of a cell share: its inputs, its network and the cost of its runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pipeline.common.artifacts import sha256
from pipeline.common.manifest import check_model
from pipeline.common.seeds import derive
from pipeline.errors import UserError
from pipeline.finetuning.loop import Run
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.models.flops import TokenCost, token_cost
from pipeline.models.opening import open_for_task, positions
from pipeline.tasks import Split, TaskData
from pipeline.training.device import threads
from pipeline.training.parameters import FlatParameters

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Cell:
    """A measured model opened for a task: the network's weights are θ₀ with the task's new head.

    Attributes:
        name: the measured model's name.
        task: the task's name.
        step: the update that the model is of.
        seed: what the head and every training are drawn from.
        data: the task.
        network: the model, which trainings change.
        flat: its parameters as one vector.
        origin: θ₀ (D,).
        inputs: hashes of the model and of the task.
    """

    name: str
    task: str
    step: int
    seed: int
    data: TaskData
    network: PreTrainedModel
    flat: FlatParameters
    origin: torch.Tensor
    inputs: dict[str, str]

    @staticmethod
    def open(
        *,
        name: str,
        task: str,
        model_dir: Path,
        task_dir: Path,
        config: FinetuneConfig,
        seed: int,
        subspace: bool = False,
        device: torch.device | None = None,
    ) -> Cell:
        """Open and check a cell's inputs.

        The head is drawn from (seed, task), so it is the same for every checkpoint and probe.

        Args:
            name: the measured model's name.
            task: the task's name.
            model_dir: the model's folder.
            task_dir: the prepared task, tokenised with the model's tokenizer.
            config: how the task is fine-tuned.
            seed: the study's.
            subspace: whether it is opened for subspace trainings alone, whose weights may be
                bfloat16.
            device: where to compute; None for the machine's own choice.

        Raises:
            UserError: an input is damaged, was made with another tokenizer, or is too long.
        """
        manifest = check_model(model_dir)
        data = TaskData.open(task_dir)
        if manifest["sha256"].get("tokenizer.json") != data.manifest["tokenizer_sha256"]:
            raise UserError(f"{task_dir} and {model_dir} were made with different tokenizers")
        own = derive(seed, "cell", task)
        network = open_for_task(
            model_dir,
            outputs=data.kind.outputs,
            problem=data.kind.problem,
            dropout=config.dropout,
            seed=own,
            precision=config.precision_for(subspace=subspace),
            recompute=config.recompute,
            device=device,
        )
        flat = FlatParameters(network)
        return Cell(
            name=name,
            task=task,
            step=manifest["step"],
            seed=own,
            data=_suited(data, network, task_dir),
            network=network,
            flat=flat,
            origin=flat.values.clone(),
            inputs={
                "checkpoint": sha256(model_dir / "checkpoint.json"),
                "task": sha256(task_dir / "manifest.json"),
            },
        )

    def reset(self) -> None:
        """Put θ₀ back into the network."""
        with torch.no_grad():
            self.flat.values.copy_(self.origin)

    @property
    def threads(self) -> int | None:
        """The threads that it is computed on; None on a GPU."""
        return threads(self.flat.values.device)

    @cached_property
    def token_cost(self) -> TokenCost:
        """What a token costs."""
        return token_cost(self.network)

    def flop(self, run: Run[Any]) -> float:
        """FLOP of a run and its evaluations, from the tokens really seen."""
        size = self.token_cost
        train, evaluation = self.data.train, self.data.eval
        trained = run.tokens * size.training_flop(_mean_length(train))
        evaluated = run.evaluated * _mean_length(evaluation)
        return trained + evaluated * size.evaluation_flop(_mean_length(evaluation))


def _suited(data: TaskData, network: PreTrainedModel, task_dir: Path) -> TaskData:
    """The data as the network takes it: segments only for one that tells them apart.

    Raises:
        UserError: a row has more tokens than the network has positions.
    """
    room, longest = positions(network), max(data.train.longest(), data.eval.longest())
    if room is not None and longest > room:
        raise UserError(
            f"{task_dir} has rows of {longest} tokens, but the model has {room} positions: set the "
            f"task's data.max_length to at most {room}"
        )
    if (getattr(network.config, "type_vocab_size", None) or 0) > 1:
        return data
    train, evaluation = (replace(split, type_ids=None) for split in (data.train, data.eval))
    return replace(data, train=train, eval=evaluation)


def _tokens(split: Split) -> int:
    return sum(len(row) for row in split.input_ids)


def _mean_length(split: Split) -> float:
    return _tokens(split) / len(split)
