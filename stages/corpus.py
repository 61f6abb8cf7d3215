"""Stage ``corpus``: documents to memory-mapped token shards."""

from __future__ import annotations

from pipeline import paths
from pipeline.study import params
from pipeline.text.corpus import make_corpus
from stages import entry


def main() -> None:
    config = params.load()
    assert config.corpus is not None
    make_corpus(config.corpus, paths.TOKENIZER, config.seed, paths.CORPUS)


if __name__ == "__main__":
    entry.run(main)
