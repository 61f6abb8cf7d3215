"""Stage ``corpus``: documents to memory-mapped token shards."""

from __future__ import annotations

from pipeline import paths
from pipeline.text.corpus import make_corpus
from stages import entry


def main() -> None:
    params = entry.params()
    assert params.corpus is not None
    make_corpus(params.corpus, paths.TOKENIZER, params.seed, paths.CORPUS)


if __name__ == "__main__":
    entry.run(main)
