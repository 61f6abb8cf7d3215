from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipeline.pretraining import run
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.packing import special_tokens
from pipeline.pretraining.places import Places
from pipeline.pretraining.recipe import ModelConfig, PretrainConfig
from pipeline.text.corpus import CorpusConfig, make_corpus
from pipeline.text.sources import SyntheticText, TextSource
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from pipeline.tokens.tokenizer import open_tokenizer
from pipeline.training.distributed import ALONE

SOURCES = (TextSource(synthetic=SyntheticText(600)),)
MODEL = ModelConfig(2, 16, 2, 32, 32, dropout=0.1, attention_dropout=0.1)
RECIPE = PretrainConfig(
    total_steps=20, batch=8, micro_batch=4, length=32, learning_rate=1e-2, warmup_steps=2,
    log_every=2, save_every=2,
)  # fmt: skip


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer and a small corpus of the embedded world."""
    folder = tmp_path_factory.mktemp("data")
    make_tokenizer(TokenizerConfig(vocab_size=500), SOURCES, 0, folder / "tokenizer")
    config = CorpusConfig(SOURCES, max_sentence_tokens=30, held_out_every=10)
    make_corpus(config, folder / "tokenizer", 0, folder / "corpus")
    return folder


def places(data: Path, root: Path, name: str) -> Places:
    folder = root / name
    return Places(
        data / "tokenizer", data / "corpus", folder / "model", folder / "state", root / "scratch"
    )


def identity(recipe: PretrainConfig, start: Places, decay: bool = False) -> str:
    """What a half-done segment of eight updates from ``start`` is known by."""
    cpu = torch.device("cpu")
    special = special_tokens(open_tokenizer(start.tokenizer))
    segment = run._Segment(recipe, special, 8, 0, cpu, ALONE, "all")
    return run._identity(segment, start, decay)


@pytest.fixture
def start(data: Path, tmp_path: Path) -> Places:
    """Checkpoint s0 in an empty folder."""
    made = places(data, tmp_path, "s0")
    init_checkpoint(MODEL, 0, made, RECIPE.optimizer)
    return made
