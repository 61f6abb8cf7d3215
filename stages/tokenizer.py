"""Stage ``tokenizer``: train or fetch the vocabulary."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.study import params
from pipeline.text.tokenizer import make_tokenizer
from stages import entry


def main() -> None:
    config = params.load()
    assert config.corpus is not None
    size = make_tokenizer(config.tokenizer, config.corpus.sources, config.seed, paths.TOKENIZER)
    logging.info("vocabulary of %d tokens in %s", size, paths.TOKENIZER)


if __name__ == "__main__":
    entry.run(main)
