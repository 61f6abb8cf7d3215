"""What both measurements of a cell share: its inputs, its model and the cost of its runs."""

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
from pipeline.models.classifier import compute_in_bfloat16, open_classifier, positions
from pipeline.models.flops import TokenCost, token_cost
from pipeline.tasks import Split, TaskData
from pipeline.training.onednn import through_onednn
from pipeline.training.parameters import FlatParameters

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Cell:
    """A checkpoint opened for a task: the model's weights are θ₀ with the task's new head."""

    checkpoint: str
    task: str
    step: int
    seed: int
    data: TaskData
    model: PreTrainedModel
    flat: FlatParameters
    origin: torch.Tensor
    inputs: dict[str, str]

    @staticmethod
    def open(
        checkpoint: str,
        task: str,
        model_dir: Path,
        task_dir: Path,
        config: FinetuneConfig,
        seed: int,
        device: torch.device,
    ) -> Cell:
        """Open and check a cell's inputs.

        The head is drawn from (seed, task), so it is the same for every checkpoint and probe.

        Raises:
            UserError: an input is damaged, was made with another tokenizer, or is too long.
        """
        manifest = check_model(model_dir)
        data = TaskData.open(task_dir)
        if manifest["sha256"].get("tokenizer.json") != data.manifest["tokenizer_sha256"]:
            raise UserError(f"{task_dir} and {model_dir} were made with different tokenizers")
        own = derive(seed, "cell", task)
        labels = len(data.manifest["labels"])
        model = open_classifier(model_dir, labels, config.dropout, own, device)
        through_onednn(model)
        if config.precision == "bf16":
            compute_in_bfloat16(model)
        data = _suited(data, model, task_dir)
        flat = FlatParameters(model)
        inputs = {
            "checkpoint": sha256(model_dir / "checkpoint.json"),
            "task": sha256(task_dir / "manifest.json"),
        }
        origin = flat.values.clone()
        return Cell(checkpoint, task, manifest["step"], own, data, model, flat, origin, inputs)

    def reset(self) -> None:
        """Put θ₀ back into the model."""
        with torch.no_grad():
            self.flat.values.copy_(self.origin)

    @cached_property
    def token_cost(self) -> TokenCost:
        """What a token costs."""
        return token_cost(self.model)

    def cost(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Tokens trained on and FLOP of the runs, evaluation included, padding left out."""
        return {
            "runs": len(runs),
            "tokens": sum(run["tokens"] for run in runs),
            "flop": sum(run["flop"] for run in runs),
        }

    def flop(self, run: Run) -> float:
        """FLOP of a run and its evaluations, from the tokens really seen."""
        size = self.token_cost
        train, evaluation = self.data.train, self.data.eval
        trained = run.tokens * size.training_flop(_mean_length(train))
        evaluated = run.evaluated * _mean_length(evaluation)
        return trained + evaluated * size.evaluation_flop(_mean_length(evaluation))


def _suited(data: TaskData, model: PreTrainedModel, task_dir: Path) -> TaskData:
    """The data as the model takes it: segments only for one that tells them apart.

    Raises:
        UserError: a row has more tokens than the model has positions.
    """
    room, longest = positions(model), max(data.train.longest(), data.eval.longest())
    if room is not None and longest > room:
        raise UserError(
            f"{task_dir} has rows of {longest} tokens, but the model has {room} positions: set the "
            f"task's data.max_length to at most {room}"
        )
    if (getattr(model.config, "type_vocab_size", None) or 0) > 1:
        return data
    train, evaluation = (replace(split, type_ids=None) for split in (data.train, data.eval))
    return replace(data, train=train, eval=evaluation)


def _tokens(split: Split) -> int:
    return sum(len(row) for row in split.input_ids)


def _mean_length(split: Split) -> float:
    return _tokens(split) / len(split)
