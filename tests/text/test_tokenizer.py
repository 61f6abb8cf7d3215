"""The vocabulary: its ids, its round trip, and that training it twice gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.text.sources import SyntheticText, TextSource
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from pipeline.tokens.tokenizer import bulk_encoder, open_tokenizer, spaced, tokenizer_hash

SOURCES = (TextSource(synthetic=SyntheticText(200)),)


def test_auto_tokenizer_loads_it_with_the_ids_of_roberta(tokenizer_dir: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(tokenizer_dir)
    assert len(tokenizer) == 400
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert tokenizer.convert_tokens_to_ids(special) == [0, 1, 2, 3, 399]
    assert (tokenizer.bos_token_id, tokenizer.cls_token_id) == (0, 0)
    assert (tokenizer.eos_token_id, tokenizer.sep_token_id) == (2, 2)
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (1, 399)


def test_a_pair_is_framed_as_roberta_frames_it(tokenizer_dir: Path) -> None:
    tokenizer = open_tokenizer(tokenizer_dir)
    first, second = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (" a", " b")
    )
    assert tokenizer(" a", " b")["input_ids"] == [0, *first, 2, 2, *second, 2]
    assert set(tokenizer(" a", " b")) == {"input_ids", "attention_mask"}


@given(text=st.text())
def test_any_text_survives_the_round_trip(tokenizer_dir: Path, text: str) -> None:
    encoder = bulk_encoder(open_tokenizer(tokenizer_dir))
    ids = encoder.encode(text, add_special_tokens=False).ids
    assert encoder.decode(ids) == text
    assert all(4 <= token < 399 for token in ids)


def test_special_tokens_in_a_text_stay_text(tokenizer_dir: Path) -> None:
    encoder = bulk_encoder(open_tokenizer(tokenizer_dir))
    ids = encoder.encode("a </s> b <mask>", add_special_tokens=False).ids
    assert not {0, 1, 2, 3, 399} & set(ids)
    assert encoder.decode(ids) == "a </s> b <mask>"


def test_training_twice_gives_the_same_bytes(tokenizer_dir: Path, tmp_path: Path) -> None:
    make_tokenizer(TokenizerConfig(vocab_size=400), SOURCES, 0, tmp_path / "again")
    for path in tokenizer_dir.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_only_the_first_documents_are_trained_on(tokenizer_dir: Path, tmp_path: Path) -> None:
    few = TokenizerConfig(vocab_size=400, documents=20)
    make_tokenizer(few, SOURCES, 0, tmp_path / "few")
    make_tokenizer(few, (TextSource(synthetic=SyntheticText(20)),), 0, tmp_path / "all")
    assert tokenizer_hash(tmp_path / "few") == tokenizer_hash(tmp_path / "all")
    assert tokenizer_hash(tmp_path / "few") != tokenizer_hash(tokenizer_dir)


def test_a_ready_tokenizer_is_taken_from_a_folder(tokenizer_dir: Path, tmp_path: Path) -> None:
    config = TokenizerConfig(source="folder", id=str(tokenizer_dir))
    assert make_tokenizer(config, (), 0, tmp_path / "copy") == 400
    copy, original = open_tokenizer(tmp_path / "copy"), open_tokenizer(tokenizer_dir)
    assert copy(spaced("some text"))["input_ids"] == original(spaced("some text"))["input_ids"]


def test_id_and_revision_reach_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[Any] = []

    def load(place: str, revision: str | None) -> NoReturn:
        calls.append((place, revision))
        raise OSError("We couldn't connect\nto the hub.")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", load)
    config = TokenizerConfig(source="hub", id="org/name", revision="abc")
    with pytest.raises(UserError, match=r"'org/name' cannot be loaded \(We couldn't connect to"):
        make_tokenizer(config, (), 0, tmp_path / "tokenizer")
    assert calls == [("org/name", "abc")]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_taken_for_the_hubs(
    tokenizer_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be read all the same, but not be watched."""
    monkeypatch.chdir(tokenizer_dir.parent)
    config = TokenizerConfig(source="hub", id=tokenizer_dir.name)
    with pytest.raises(UserError, match=r"is a folder here: set tokenizer\.source to folder"):
        make_tokenizer(config, (), 0, tmp_path / "tokenizer")


def test_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tokenizer\.json is missing: run dvc repro tokenizer"):
        open_tokenizer(tmp_path)


def test_refused_settings() -> None:
    with pytest.raises(ValueError, match="vocab_size is 260, but 256 bytes and 5 special tokens"):
        TokenizerConfig(vocab_size=260)
    with pytest.raises(ValueError, match="id must say which tokenizer, because source is 'hub'"):
        TokenizerConfig(source="hub")
    with pytest.raises(ValueError, match="documents is 0"):
        TokenizerConfig(documents=0)


def test_what_the_source_has_no_use_for_is_refused() -> None:
    # Someone who names a ready tokenizer does not want one that is trained here.
    with pytest.raises(ValueError, match="id is 'roberta-base', but a tokenizer is trained here"):
        TokenizerConfig(id="roberta-base")
    with pytest.raises(ValueError, match="revision is 'main', but a tokenizer is trained here"):
        TokenizerConfig(revision="main")
    with pytest.raises(ValueError, match="a local folder has none"):
        TokenizerConfig(source="folder", id="mine", revision="main")
    with pytest.raises(ValueError, match="documents is for tokenizers that are trained here"):
        TokenizerConfig(source="hub", id="roberta-base", documents=100)
