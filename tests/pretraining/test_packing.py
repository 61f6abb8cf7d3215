from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.pretraining.packing import Blocks, SpecialTokens, pack
from pipeline.tokens.corpus import Corpus, Shard

SPECIAL = SpecialTokens(bos=0, pad=1, eos=2, mask=999, count=4)
DOCUMENTS = st.lists(st.lists(st.integers(1, 14), min_size=1, max_size=6), min_size=1, max_size=12)


def corpus_of(documents: list[list[int]]) -> Corpus:
    """Each token is its own running number, so that order and loss show."""
    sentences = np.array([length for document in documents for length in document], dtype=np.int32)
    tokens = np.arange(10, 10 + sentences.sum()).astype(np.uint16)
    counts = np.array([len(document) for document in documents], dtype=np.int32)
    return Corpus({}, (Shard(tokens, sentences, counts),))


@given(DOCUMENTS, st.integers(16, 40))
def test_every_token_comes_once_in_order_inside_frames(documents, length) -> None:
    blocks = Blocks(corpus_of(documents), length, SPECIAL, 0)
    rows = [blocks[index] for index in range(len(blocks))]
    for row in rows:
        assert row[0] == SPECIAL.bos and row[-1] == SPECIAL.eos and len(row) <= length
    text = np.concatenate([row[row >= 10] for row in rows])
    assert np.array_equal(text, np.arange(10, 10 + sum(map(sum, documents))))


@given(DOCUMENTS, st.integers(16, 40))
def test_separators_stand_where_documents_end(documents, length) -> None:
    blocks = Blocks(corpus_of(documents), length, SPECIAL, 0)
    ends = set((10 + np.cumsum([sum(document) for document in documents])).tolist())
    for index in range(len(blocks)):
        row = blocks[index]
        for left, right in pairwise(row[1:]):
            if left >= 10 and right >= 10:
                assert left + 1 not in ends, "two documents touch"
            if left == SPECIAL.eos:
                assert right in ends, "a separator inside a document"


@given(DOCUMENTS, st.integers(16, 40))
def test_blocks_are_as_full_as_whole_sentences_allow(documents, length) -> None:
    sentences = np.array([n for document in documents for n in document])
    counts = np.array([len(document) for document in documents])
    starts = pack(sentences, counts, length)
    blocks = Blocks(corpus_of(documents), length, SPECIAL, 0)
    for index in range(len(blocks) - 1):
        following = sentences[starts[index + 1]]
        closes = int(starts[index + 1] in np.cumsum(counts))
        assert len(blocks[index]) + following + closes > length


def test_blocks_of_all_shards_follow_one_another() -> None:
    (first,) = corpus_of([[10], [12]]).shards
    second = replace(first, tokens=first.tokens + 22)
    blocks = Blocks(Corpus({}, (first, second)), 16, SPECIAL, 0)
    text = np.concatenate([blocks[index] for index in range(len(blocks))])
    assert len(blocks) == 4 and np.array_equal(text[text >= 10], np.arange(10, 54))


def test_order_is_a_permutation_each_epoch_and_a_function_of_the_seed() -> None:
    corpus = corpus_of([[10]] * 50)
    blocks = Blocks(corpus, 16, SPECIAL, 0)
    first = [blocks.at(position) for position in range(50)]
    second = [blocks.at(position) for position in range(50, 100)]
    assert {epoch for epoch, _ in first} == {0} and {epoch for epoch, _ in second} == {1}
    assert sorted(block for _, block in first) == sorted(block for _, block in second)
    assert [block for _, block in first] != [block for _, block in second]
    assert first == [Blocks(corpus, 16, SPECIAL, 0).at(position) for position in range(50)]
    assert first != [Blocks(corpus, 16, SPECIAL, 1).at(position) for position in range(50)]


def test_a_sentence_that_fits_no_block_is_refused() -> None:
    with pytest.raises(UserError, match="sentence of 31 tokens does not fit into blocks of 32"):
        pack(np.array([31]), np.array([1]), 32)
