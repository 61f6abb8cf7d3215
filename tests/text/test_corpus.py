"""Token shards: they hold the documents' tokens, all of them, in order, and damage is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.common.sealed import read_sealed
from pipeline.errors import UserError
from pipeline.text import corpus as corpus_module
from pipeline.text.corpus import CorpusConfig, make_corpus
from pipeline.text.files import FilesConfig
from pipeline.text.sentences import split_sentences
from pipeline.text.sources import SyntheticText, TextSource
from pipeline.tokens.corpus import Corpus
from pipeline.tokens.tokenizer import bulk_encoder, open_tokenizer, spaced

SYNTHETIC = TextSource(synthetic=SyntheticText(60))


def _ids(tokenizer_dir: Path, documents: list[list[str]]) -> list[int]:
    encoder = bulk_encoder(open_tokenizer(tokenizer_dir))
    return [
        token
        for document in documents
        for line in document
        for sentence in split_sentences(line)
        for token in encoder.encode(spaced(sentence), add_special_tokens=False).ids
    ]


def _tokens(corpus: Corpus) -> list[int]:
    return [int(token) for shard in corpus.shards for token in shard.tokens]


@pytest.fixture
def made(tokenizer_dir: Path, tmp_path: Path) -> Path:
    config = CorpusConfig((SYNTHETIC,), held_out_every=20, shard_tokens=500)
    make_corpus(config, tokenizer_dir, 3, tmp_path / "corpus")
    return tmp_path / "corpus"


def test_both_parts_hold_their_documents_and_nothing_else(made: Path, tokenizer_dir: Path) -> None:
    documents = list(SYNTHETIC.documents(3))
    held_out = documents[1::20]
    rest = [document for index, document in enumerate(documents) if index % 20 != 1]
    train, valid = Corpus.open(made), Corpus.open(made, "valid")
    assert _tokens(train) == _ids(tokenizer_dir, rest)
    assert _tokens(valid) == _ids(tokenizer_dir, held_out)
    assert sum(len(shard.documents) for shard in valid.shards) == len(held_out) == 3


def test_lengths_and_manifest_agree(made: Path, tokenizer_dir: Path) -> None:
    manifest = Corpus.open(made).manifest
    shards = [*Corpus.open(made).shards, *Corpus.open(made, "valid").shards]
    assert len(shards) == len(manifest["shards"]) > 2
    for shard, entry in zip(shards, manifest["shards"], strict=True):
        assert len(shard.tokens) == shard.sentences.sum() == entry["tokens"]
        assert len(shard.sentences) == shard.documents.sum() == entry["sentences"]
        assert len(shard.documents) == entry["documents"]
        assert shard.sentences.min() > 0 and shard.documents.min() > 0
    assert manifest["tokens"] == sum(len(shard.tokens) for shard in shards)
    assert manifest["documents"] == 60
    assert (manifest["dtype"], manifest["vocab_size"]) == ("uint16", 400)


def test_tokens_are_mapped_not_loaded(made: Path) -> None:
    assert isinstance(Corpus.open(made).shards[0].tokens, np.memmap)


def test_long_sentences_are_cut_never_dropped(tokenizer_dir: Path, tmp_path: Path) -> None:
    for name, longest in {"whole": 510, "cut": 7}.items():
        config = CorpusConfig((SYNTHETIC,), max_sentence_tokens=longest)
        make_corpus(config, tokenizer_dir, 0, tmp_path / name)
    whole, cut = (Corpus.open(tmp_path / name) for name in ("whole", "cut"))
    assert cut.shards[0].sentences.max() == 7 < whole.shards[0].sentences.max()
    assert _tokens(cut) == _tokens(whole)


def test_the_size_of_encoding_batches_does_not_show(
    made: Path, tokenizer_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_module, "_BATCH_CHARACTERS", 1)
    config = CorpusConfig((SYNTHETIC,), held_out_every=20, shard_tokens=500)
    make_corpus(config, tokenizer_dir, 3, tmp_path / "again")
    for path in made.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_sources_are_joined_and_capped(tokenizer_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("First text.\n\nSecond text.\n\n\nThird text.\n", encoding="utf-8")
    files = TextSource(files=FilesConfig((str(path),)))
    config = CorpusConfig((files, SYNTHETIC), documents=4)
    make_corpus(config, tokenizer_dir, 0, tmp_path / "corpus")
    expected = [["First text."], ["Third text."], next(SYNTHETIC.documents(0))]
    corpus = Corpus.open(tmp_path / "corpus")
    assert _tokens(corpus) == _ids(tokenizer_dir, expected)


def test_a_large_vocabulary_takes_wider_tokens(
    tokenizer_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wide:
        def __init__(self, backend: object) -> None:
            self._backend = backend

        def get_vocab_size(self) -> int:
            return (1 << 16) + 1

        def __getattr__(self, name: str) -> object:
            return getattr(self._backend, name)

    monkeypatch.setattr(corpus_module, "bulk_encoder", lambda x: Wide(bulk_encoder(x)))
    make_corpus(CorpusConfig((SYNTHETIC,)), tokenizer_dir, 0, tmp_path / "corpus")
    assert Corpus.open(tmp_path / "corpus").shards[0].tokens.dtype == np.uint32


@pytest.mark.parametrize("suffix", ["tokens.bin", "sentences.npy", "documents.npy"])
def test_damage_is_noticed_and_named(made: Path, suffix: str) -> None:
    path = made / f"train-00001.{suffix}"
    content = path.read_bytes()
    altered = bytes([*content[:-1], content[-1] ^ 1])
    for damaged, verify in [(content[:-2], False), (content[:-2], True), (altered, True)]:
        path.write_bytes(damaged)
        with pytest.raises(
            UserError,
            match=rf"train-00001\.{suffix} is missing, truncated or altered.*pipeline heal",
        ):
            Corpus.open(made, verify=verify)
    path.unlink()
    with pytest.raises(UserError, match=rf"train-00001\.{suffix} is missing, .*pipeline heal"):
        Corpus.open(made)


def test_missing_corpus_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json is missing"):
        Corpus.open(tmp_path)


@pytest.mark.parametrize("text", ["", "\n\n", "Only one document.\n"])
def test_too_little_text_leaves_nothing_behind(
    tokenizer_dir: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    config = CorpusConfig((TextSource(files=FilesConfig((str(tmp_path / "a.txt"),))),))
    with pytest.raises(UserError, match=r"give [01] documents with text, but at least 2"):
        make_corpus(config, tokenizer_dir, 0, tmp_path / "corpus")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_bad_file_leaves_the_old_corpus_whole(made: Path, tokenizer_dir: Path) -> None:
    before = read_sealed(made / "manifest.json")
    bad = made.parent / "bad.txt"
    bad.write_bytes(b"Good.\n\nGood.\n\n\xff")
    config = CorpusConfig((TextSource(files=FilesConfig((str(bad),))),))
    with pytest.raises(UserError, match=r"bad\.txt is not UTF-8 \(byte 14\)"):
        make_corpus(config, tokenizer_dir, 0, made)
    assert Corpus.open(made).manifest == before
    assert {path.name for path in made.parent.iterdir()} == {"bad.txt", "corpus"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": ()}, "sources must name at least one"),
        ({"documents": 0}, "documents is 0, but must be at least 1"),
        ({"max_sentence_tokens": 0}, "max_sentence_tokens is 0"),
        ({"shard_tokens": 0}, "shard_tokens is 0"),
        ({"held_out_every": 1}, "held_out_every is 1, but must be at least 2"),
    ],
)
def test_refused_settings(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CorpusConfig(**{"sources": (SYNTHETIC,), **options})  # type: ignore[arg-type]
