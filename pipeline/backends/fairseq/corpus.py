"""The project's corpus as fairseq's data: one packed block a line, so that both train on the same.

fairseq puts ``<s>`` before each sample itself, so a line is a block without it. In the recipe's
``--sample-break-mode complete`` fairseq joins lines as long as they fit, and leaves out those that
do not fit at all; blocks are packed so that no two of a shard fit into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.backends.fairseq.dataset import write_dataset
from pipeline.backends.fairseq.dictionary import vocabulary, write_dictionary
from pipeline.common.artifacts import atomic_directory, fingerprint, remove_others
from pipeline.common.code import code_hash
from pipeline.common.sealed import hash_of
from pipeline.pretraining.packing import Blocks, SpecialTokens
from pipeline.tokens.corpus import PARTS, Corpus
from pipeline.tokens.tokenizer import open_tokenizer


def binarise(
    corpus: Path, tokenizer: Path, length: int, special: SpecialTokens, root: Path
) -> Path:
    """Make the folder that ``fairseq-train`` takes as its data, or find it made.

    Args:
        corpus: the folder of token shards.
        tokenizer: the folder of the vocabulary that they are in.
        length: most tokens of a block, ``<s>`` and ``</s>`` among them.
        special: the ids that frame text.
        root: where the folder goes, under a name that hashes all it depends on. Others are removed:
            they are as large as the corpus.

    Returns:
        The folder: ``dict.txt``, and ``.bin`` and ``.idx`` of ``train`` and ``valid``.
    """
    made = code_hash("backends/fairseq", "common", "pretraining", "tokens")
    inputs = [hash_of(corpus / "manifest.json"), hash_of(tokenizer / "tokenizer.json"), length]
    folder = root / fingerprint([made, *inputs])[:16]
    if folder.exists():
        return folder
    remove_others(folder)
    symbols = vocabulary(open_tokenizer(tokenizer))
    with atomic_directory(folder) as temporary:
        write_dictionary(symbols, temporary / "dict.txt")
        for part in PARTS:
            blocks = Blocks(Corpus.open(corpus, part), length, special, 0)
            # dict.txt, whose size decides the width of a token, does not hold <mask>.
            write_dataset(_lines(blocks), len(symbols) - 1, temporary / part)
    return folder


def _lines(blocks: Blocks) -> Iterator[np.ndarray]:
    for index in range(len(blocks)):
        line = blocks[index][1:]
        # A longer one would be left out of training with no more than a warning.
        assert len(line) < blocks.length
        yield line
