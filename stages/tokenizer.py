"""Stage ``tokenizer``: train or fetch the vocabulary."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.text.tokenizer import make_tokenizer
from stages import entry


def main() -> None:
    params = entry.params()
    assert params.corpus is not None
    size = make_tokenizer(params.tokenizer, params.corpus.sources, params.seed, paths.TOKENIZER)
    logging.info("vocabulary of %d tokens in %s", size, paths.TOKENIZER)


if __name__ == "__main__":
    entry.run(main)
