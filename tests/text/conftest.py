"""A small trained tokenizer, shared by the tests of the text modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.text.sources import SyntheticText, TextSource
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer

SOURCES = (TextSource(synthetic=SyntheticText(200)),)


@pytest.fixture(scope="session")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text") / "tokenizer"
    make_tokenizer(TokenizerConfig(vocab_size=400), SOURCES, 0, folder)
    return folder
