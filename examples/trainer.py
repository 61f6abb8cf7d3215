"""transformers.Trainer inside a subspace; accumulation and schedule are the Trainer's own.

python -m examples.trainer        (needs transformers and accelerate)
"""

from __future__ import annotations

import tempfile

import torch
from transformers import (
    RobertaConfig,
    RobertaForSequenceClassification,
    Trainer,
    TrainingArguments,
)

from pipeline.common.seeds import isolated, torch_generator
from pipeline.subspace.optimizer import SubspaceOptimizer

ROBERTA = RobertaConfig(
    vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=64, max_position_embeddings=20, initializer_range=0.1,
)  # fmt: skip


def main(steps: int = 100, d: int = 300) -> float:
    """Train; return the accuracy on the training rows. A real run loads a checkpoint instead."""
    with isolated(0, "model"):
        model = RobertaForSequenceClassification(ROBERTA)
    rows = token_rows(256)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=8, gradient_accumulation_steps=2,
            lr_scheduler_type="linear", max_grad_norm=0, use_cpu=True, seed=0, save_strategy="no",
            report_to=[], disable_tqdm=True,
        )  # fmt: skip
        optimizer = SubspaceOptimizer(model, d, lr=5e-3)
        Trainer(model, arguments, train_dataset=rows, optimizers=(optimizer, None)).train()
    ids = torch.stack([row["input_ids"] for row in rows])
    labels = torch.stack([row["labels"] for row in rows])
    return float((model.eval()(ids).logits.argmax(1) == labels).float().mean())


def token_rows(count: int) -> list[dict[str, torch.Tensor]]:
    """Token rows; the label says whether the first token is of the upper half."""
    ids = torch.randint(4, 64, (count, 8), generator=torch_generator(0, "rows"))
    return [{"input_ids": row, "labels": (row[0] >= 34).long()} for row in ids]


if __name__ == "__main__":
    print(f"accuracy {main():.3f}")
