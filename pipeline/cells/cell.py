"""What both measurements of a cell share: its inputs, its model and the cost of its runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pipeline.artifacts import sha256
from pipeline.cost import EncoderSize
from pipeline.errors import UserError
from pipeline.finetuning import FinetuneConfig, Run, open_classifier
from pipeline.pretraining.checkpoints import check_model
from pipeline.seeds import derive
from pipeline.subspace.layout import FlatParameters
from pipeline.tasks import Split, TaskData

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
            UserError: an input is damaged, or was made with another tokenizer.
        """
        manifest = check_model(model_dir)
        data = TaskData.open(task_dir)
        if manifest["sha256"].get("tokenizer.json") != data.manifest["tokenizer_sha256"]:
            raise UserError(f"{task_dir} and {model_dir} were made with different tokenizers")
        own = derive(seed, "cell", task)
        labels = len(data.manifest["labels"])
        model = open_classifier(model_dir, labels, config.dropout, own, device)
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

    def size(self) -> EncoderSize:
        """The numbers that decide what a token costs."""
        config = self.model.config
        return EncoderSize(
            config.num_hidden_layers,
            config.hidden_size,
            config.intermediate_size,
            config.vocab_size,
            config.max_position_embeddings - 2,
        )

    def cost(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        """Tokens trained on and FLOP of the runs, evaluation included, padding left out."""
        return {
            "runs": len(runs),
            "tokens": sum(run["tokens"] for run in runs),
            "flop": sum(run["flop"] for run in runs),
        }

    def flop(self, run: Run) -> float:
        """FLOP of a run and its evaluations, from the tokens really seen."""
        size = self.size()
        train, evaluation = self.data.train, self.data.eval
        trained = run.tokens * size.training_flop(_mean_length(train))
        evaluated = run.evaluated * _mean_length(evaluation)
        return trained + evaluated * size.evaluation_flop(_mean_length(evaluation))


def _tokens(split: Split) -> int:
    return sum(len(row) for row in split.input_ids)


def _mean_length(split: Split) -> float:
    return _tokens(split) / len(split)
