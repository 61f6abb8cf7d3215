"""FULL-SENTENCES blocks: whole sentences in a row, across documents, up to the sequence length.

A block is ``<s>``, its sentences, ``</s>``; where a document ends inside it, another ``</s>``
stands between. No sentence is cut and none is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.common.seeds import numpy_generator
from pipeline.errors import UserError
from pipeline.tokens.contract import PRETRAINING, check_for_pretraining
from pipeline.tokens.corpus import Corpus, Shard

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class SpecialTokens:
    """Ids of the tokens that frame and hide text."""

    bos: int
    pad: int
    eos: int
    mask: int
    count: int  # ids below this are special; <mask> is the last id


def special_tokens(tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
    """The ids that packing and masking need; special tokens are the first ids and the last one."""
    check_for_pretraining(tokenizer, "the tokenizer")
    bos, pad, eos, unk, mask = (getattr(tokenizer, f"{name}_id") for name in PRETRAINING)
    return SpecialTokens(bos, pad, eos, mask, max(bos, pad, eos, unk) + 1)


def pack(sentences: np.ndarray, documents: np.ndarray, length: int) -> np.ndarray:
    """First sentence of each block, and the number of sentences at the end: (blocks + 1,), int64.

    Args:
        sentences: tokens of each sentence.
        documents: sentences of each document.
        length: most tokens of a block, ``<s>`` and ``</s>`` among them.
    """
    longest = int(sentences.max(initial=0))
    if longest > length - 2:
        raise UserError(
            f"a sentence of {longest} tokens does not fit into blocks of {length}: set "
            f"corpus.max_sentence_tokens to at most {length - 2}"
        )
    ends = np.zeros(len(sentences), dtype=np.int64)
    ends[np.cumsum(documents) - 1] = 1
    # Tokens before each sentence, and up to its end without the separator that may follow it.
    before = np.concatenate([[0], np.cumsum(sentences + ends)])
    until = before[1:] - ends
    starts, first = [0], 0
    while first < len(sentences):
        first = int(np.searchsorted(until, before[first] + length - 2, side="right"))
        starts.append(first)
    return np.asarray(starts, dtype=np.int64)


class Blocks:
    """All blocks of a corpus, and the training order over them as a pure function of the step."""

    def __init__(self, corpus: Corpus, length: int, special: SpecialTokens, seed: int) -> None:
        self.length = length
        self._special = special
        self._seed = seed
        self._shards = [_PackedShard(shard, length) for shard in corpus.shards]
        self._firsts = np.cumsum([0] + [len(shard) for shard in self._shards])
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0))

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        """The block's token ids, framed and with separators; at most ``length`` long."""
        shard = int(np.searchsorted(self._firsts, index, side="right")) - 1
        return self._shards[shard].block(index - int(self._firsts[shard]), self._special)

    def at(self, position: int) -> tuple[int, int]:
        """(epoch, block) at a position of the endless training order."""
        epoch, place = divmod(position, len(self))
        if self._order[0] != epoch:
            generator = numpy_generator(self._seed, "blocks", epoch)
            self._order = (epoch, generator.permutation(len(self)))
        return epoch, int(self._order[1][place])


class _PackedShard:
    def __init__(self, shard: Shard, length: int) -> None:
        self._tokens = shard.tokens
        offsets = np.concatenate([[0], np.cumsum(shard.sentences, dtype=np.int64)])
        self._starts = offsets[pack(shard.sentences, shard.documents, length)]
        self._document_ends = offsets[np.cumsum(shard.documents)]

    def __len__(self) -> int:
        return len(self._starts) - 1

    def block(self, index: int, special: SpecialTokens) -> np.ndarray:
        start, stop = self._starts[index], self._starts[index + 1]
        low, high = np.searchsorted(self._document_ends, [start + 1, stop])
        text = self._tokens[start:stop].astype(np.int64)
        cuts = self._document_ends[low:high] - start
        separated = np.insert(text, cuts, special.eos) if len(cuts) else text
        return np.concatenate([[special.bos], separated, [special.eos]])
