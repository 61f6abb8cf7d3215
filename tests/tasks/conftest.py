"""A small trained tokenizer, shared by the tests of the task modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.text.sources import SyntheticText, TextSource
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer


@pytest.fixture(scope="session")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks") / "tokenizer"
    sources = (TextSource(synthetic=SyntheticText(100)),)
    make_tokenizer(TokenizerConfig(vocab_size=400), sources, 0, folder)
    return folder
