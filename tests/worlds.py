from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.tasks.config import Columns, TaskDataConfig
from pipeline.tasks.prepare import prepare_task
from pipeline.text.sources import RowSource, SyntheticRows
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from tests.pretraining.conftest import MODEL, RECIPE, SOURCES

FINETUNE = FinetuneConfig(epochs=3, batch=16, learning_rates=(3e-3, 1e-2), dropout=0.0)


def task_config(kind: str, rows: int = 480) -> TaskDataConfig:
    def source(split: str) -> tuple[RowSource, ...]:
        return (RowSource(synthetic=SyntheticRows(kind, split, rows)),)

    labels = ("negative", "positive") if "polarity" in kind else ("not_equivalent", "equivalent")
    second = None if "polarity" in kind else "text_b"
    return TaskDataConfig(
        train=source("train"),
        eval=source("eval"),
        columns=Columns("text_a", second),
        labels=labels,
        max_length=32,
    )


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint without training and two tasks: one that is easy, one that it cannot learn."""
    root = tmp_path_factory.mktemp("world")
    tokenizer = root / "tokenizer"
    make_tokenizer(TokenizerConfig(vocab_size=500), SOURCES, 0, tokenizer)
    init_checkpoint(
        replace(MODEL, init_std=0.2),
        0,
        Places(tokenizer, root / "corpus", root / "model", root / "state", root / "scratch"),
        RECIPE.optimizer,
    )
    for kind in ("polarity_short", "paraphrase"):
        prepare_task(kind, task_config(kind), tokenizer, 0, root / kind)
    return root


def open_cell(world: Path, task: str, config: FinetuneConfig = FINETUNE) -> Cell:
    return Cell.open(
        name="s0", task=task, model_dir=world / "model", task_dir=world / task, config=config,
        seed=0, device=torch.device("cpu"),
    )  # fmt: skip
