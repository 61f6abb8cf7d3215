"""`transformers.Trainer` over a subspace: it resumes from its own checkpoints exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipeline.common.seeds import isolated
from pipeline.subspace.optimizer import SubspaceOptimizer

pytest.importorskip("accelerate", reason="transformers.Trainer needs accelerate")


def trained(folder: Path, resume: Path | None = None) -> torch.Tensor:
    """Weights and d numbers after 6 steps of 2 × 8 rows, a checkpoint after 3."""
    from transformers import RobertaForSequenceClassification, Trainer, TrainingArguments

    from examples.trainer import ROBERTA, token_rows

    with isolated(0, "model"):
        model = RobertaForSequenceClassification(ROBERTA)
    arguments = TrainingArguments(
        str(folder), max_steps=6, per_device_train_batch_size=8, gradient_accumulation_steps=2,
        learning_rate=1.0, use_cpu=True, save_steps=3, report_to=[], disable_tqdm=True, bf16=True,
    )  # fmt: skip
    optimizer = SubspaceOptimizer(model, 300, lr=5e-3)
    trainer = Trainer(model, arguments, train_dataset=token_rows(64), optimizers=(optimizer, None))
    trainer.train(resume_from_checkpoint=resume and str(resume))
    weights = [item.detach().view(-1) for item in model.parameters()]
    return torch.cat([*weights, optimizer.subspace.vector])


def test_a_trainer_resumes_exactly(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole")
    resumed = trained(tmp_path / "resumed", tmp_path / "whole/checkpoint-3")
    assert torch.equal(whole, resumed)
    assert whole[-300:].abs().max() > 0
