"""fairseq's data files: those of fairseq-preprocess, byte for byte, and damage refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.fairseq.corpus import binarise
from pipeline.backends.fairseq.dataset import open_dataset, write_dataset
from pipeline.backends.fairseq.dictionary import read_dictionary, vocabulary, write_dictionary
from pipeline.errors import UserError
from pipeline.pretraining.packing import Blocks, special_tokens
from pipeline.tokens.corpus import Corpus
from pipeline.tokens.tokenizer import open_tokenizer
from tests.pretraining.conftest import data  # noqa: F401

REFERENCE = Path(__file__).with_name("reference")


def reference_lines() -> list[np.ndarray]:
    """The reference's text as ids, by the definition of dict.txt alone."""
    ids = {symbol: index for index, symbol in enumerate(read_dictionary(REFERENCE / "dict.txt"))}
    text = (REFERENCE / "train.txt").read_text().splitlines()
    return [np.array([*(ids[word] for word in line.split()), 2]) for line in text]


def test_our_files_are_those_of_fairseq_byte_for_byte(tmp_path: Path) -> None:
    symbols = read_dictionary(REFERENCE / "dict.txt")
    assert write_dataset(iter(reference_lines()), len(symbols) - 1, tmp_path / "train") == 60
    for name in ("train.bin", "train.idx"):
        assert (tmp_path / name).read_bytes() == (REFERENCE / name).read_bytes()
    write_dictionary(symbols, tmp_path / "dict.txt")
    assert (tmp_path / "dict.txt").read_bytes() == (REFERENCE / "dict.txt").read_bytes()


def test_fairseqs_files_are_read() -> None:
    lines = open_dataset(REFERENCE / "train")
    expected = reference_lines()
    assert len(lines) == len(expected)
    for index, line in enumerate(expected):
        assert np.array_equal(lines[index], line)


@settings(max_examples=20, deadline=None)
@given(
    lines=st.lists(st.lists(st.integers(0, 65_000), max_size=9), max_size=9),
    vocabulary_size=st.sampled_from([60, 65_499, 65_500, 10**6]),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[int]], vocabulary_size: int
) -> None:
    prefix = tmp_path_factory.mktemp("lines") / "part"
    write_dataset((np.array(line, dtype=np.int64) for line in lines), vocabulary_size, prefix)
    found = open_dataset(prefix)
    assert [found[index].tolist() for index in range(len(found))] == lines
    width = 2 if vocabulary_size < 65_500 else 4
    assert prefix.with_name("part.bin").stat().st_size == width * sum(map(len, lines))


def damage(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("train.idx", lambda c: c[:-1], "but 60 lines need"),
        ("train.idx", lambda c: c[:20], "is no index"),
        ("train.idx", lambda c: b"X" + c[1:], "is no index"),
        ("train.idx", lambda c: c[:9] + b"\2" + c[10:], "version 2"),
        ("train.idx", lambda c: c[:17] + b"\x63" + c[18:], "token type 99"),
        ("train.idx", lambda c: c[:26] + bytes([c[26] ^ 1]) + c[27:], "offsets do not follow"),
        ("train.bin", lambda c: c[:-2], "has 846 bytes, but train.idx tells of 848"),
    ],
)
def test_damage_is_refused(tmp_path: Path, name: str, change, sentence: str) -> None:
    for path in ("train.bin", "train.idx"):
        shutil.copy(REFERENCE / path, tmp_path)
    damage(tmp_path / name, change((tmp_path / name).read_bytes()))
    with pytest.raises(UserError, match=sentence):
        open_dataset(tmp_path / "train")
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        open_dataset(tmp_path / "train")


def test_the_corpus_becomes_the_blocks_that_the_native_backend_trains_on(
    data: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    tokenizer = open_tokenizer(data / "tokenizer")
    special = special_tokens(tokenizer)
    folder = binarise(data / "corpus", data / "tokenizer", 32, special, tmp_path / "lines")
    for part in ("train", "valid"):
        blocks = Blocks(Corpus.open(data / "corpus", part), 32, special, 0)
        lines = open_dataset(folder / part)
        assert len(lines) == len(blocks) > 10
        for index in range(len(blocks)):
            assert np.array_equal(np.concatenate([[special.bos], lines[index]]), blocks[index])
        # fairseq joins lines where they fit, and leaves out what does not fit at all.
        assert lines.sizes.max() <= 31
        assert (lines.sizes[:-1] + lines.sizes[1:]).min() > 31
    assert read_dictionary(folder / "dict.txt") == vocabulary(tokenizer)


def test_binarising_again_finds_it_done_and_other_lengths_replace_it(
    data: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    special = special_tokens(open_tokenizer(data / "tokenizer"))

    def made(length: int) -> Path:
        return binarise(data / "corpus", data / "tokenizer", length, special, tmp_path / "lines")

    first = made(32)
    before = (first / "train.bin").stat().st_mtime_ns
    assert made(32) == first and (first / "train.bin").stat().st_mtime_ns == before
    second = made(40)
    assert second != first and not first.exists()


def test_a_vocabulary_in_another_order_is_refused(tmp_path: Path) -> None:
    for symbols in (["<pad>", "<s>", "</s>", "<unk>", "a", "<mask>"], ["<s>", "<pad>", "</s>", "<unk>", "a"]):  # fmt: skip
        with pytest.raises(UserError, match="but fairseq's begins with"):
            write_dictionary(symbols, tmp_path / "dict.txt")
    with pytest.raises(UserError, match="has white space"):
        write_dictionary(["<s>", "<pad>", "</s>", "<unk>", "a b", "<mask>"], tmp_path / "dict.txt")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("word\n", "dict.txt:1 is 'word'"),
        ("word one\n", "must be a symbol and its count"),
        ("a 1\nb 1\na 2\n", "dict.txt:3 has the symbol 'a' a second time"),
    ],
)
def test_what_is_no_dictionary_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "dict.txt").write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_dictionary(tmp_path / "dict.txt")


def test_dictionaries_of_fairseqs_making_are_understood(tmp_path: Path) -> None:
    text = "the 850\n<s> 3 #fairseq:overwrite\nmadeupword0000 0\n<mask> 0\n"
    (tmp_path / "dict.txt").write_text(text)
    symbols = read_dictionary(tmp_path / "dict.txt")
    assert symbols[4:] == ["the", "<s>", "madeupword0000", "<mask>"]
