"""A tokenizer's contract, checked where one comes in: one sentence for each way to break it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from pipeline.errors import UserError
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from pipeline.tokens.contract import check_published

ROBERTA = {
    "bos_token": "<s>", "cls_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>",
    "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>",
}  # fmt: skip
FRAME = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)


def _write(folder: Path, words: list[str], special: dict[str, str], frame: Any = None) -> str:
    """A folder with a tokenizer of these words, in the order of their ids."""
    model = models.WordLevel({word: place for place, word in enumerate(words)}, "<unk>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if frame is not None:
        tokenizer.post_processor = frame
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return str(folder)


def _roberta(folder: Path) -> str:
    words = ["<s>", "<pad>", "</s>", "<unk>", "a", "b", "<mask>"]
    return _write(folder, words, ROBERTA, FRAME)


def _bert(folder: Path) -> str:
    words = ["[PAD]", "<unk>", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
    names = {
        "pad_token": "[PAD]",
        "unk_token": "<unk>",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    frame = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return _write(folder, words, names, frame)


def _gpt2(folder: Path) -> str:
    end = "<|endoftext|>"
    names = {"bos_token": end, "eos_token": end, "unk_token": end}
    return _write(folder, ["<unk>", "a", "b", end], names)


def _mask_first(folder: Path) -> str:
    words = ["<mask>", "<s>", "<pad>", "</s>", "<unk>", "a", "b"]
    frame = processors.RobertaProcessing(("</s>", 3), ("<s>", 1), add_prefix_space=False)
    return _write(folder, words, ROBERTA, frame)


def _no_words(folder: Path) -> str:
    words = ["a", "b", "<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    frame = processors.RobertaProcessing(("</s>", 4), ("<s>", 2), add_prefix_space=False)
    return _write(folder, words, ROBERTA, frame)


def _no_frame(folder: Path) -> str:
    return _write(folder, ["<s>", "<pad>", "</s>", "<unk>", "a", "b", "<mask>"], ROBERTA)


def _with_a_hole(folder: Path) -> str:
    """An id that no word has, so that the last one is beyond the number of words."""
    _roberta(folder)
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary["b"] = 9
    path.write_text(json.dumps(content))
    return str(folder)


BROKEN = {
    "like BERT's": (_bert, "has no bos_token and no eos_token, and pretraining needs bos_token"),
    "like GPT-2's": (_gpt2, "has no pad_token and no mask_token, and pretraining needs"),
    "mask first": (_mask_first, "and 0 for mask_token, but needs .* its last id, 6"),
    "special tokens behind the words": (_no_words, "the ids 2, 3, 4, 5 for .* before all words"),
    "no post-processor": (_no_frame, "does not put <s> before a text and </s> behind it"),
    "ids beyond the vocabulary": (_with_a_hole, "gives 'b' the id 9, but the vocabulary has room for 7"),
}  # fmt: skip


@pytest.mark.parametrize(("write", "message"), BROKEN.values(), ids=BROKEN)
def test_a_folder_that_pretraining_cannot_use_is_one_sentence(
    tmp_path: Path, write: Callable[[Path], str], message: str
) -> None:
    config = TokenizerConfig(source="folder", id=write(tmp_path / "folder"))
    with pytest.raises(UserError, match=rf"^tokenizer '.*folder' .*{message}"):
        make_tokenizer(config, (), 0, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_like_robertas_is_taken(tmp_path: Path) -> None:
    config = TokenizerConfig(source="folder", id=_roberta(tmp_path / "folder"))
    assert make_tokenizer(config, (), 0, tmp_path / "out") == 7


def _loaded(folder: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder)


def test_a_published_tokenizer_fits_the_models_embedding(tmp_path: Path) -> None:
    tokenizer = _loaded(_bert(tmp_path / "bert"))
    check_published(tokenizer, 7, "model m")
    check_published(tokenizer, None, "model m")
    with pytest.raises(
        UserError, match="of model m gives 'b' the id 6, but the model's vocab_size has room for 6"
    ):
        check_published(tokenizer, 6, "model m")


def test_a_published_tokenizer_uses_the_frame_that_it_has(tmp_path: Path) -> None:
    check_published(_loaded(_gpt2(tmp_path / "gpt2")), 4, "model m")  # it has no cls and no sep
    with pytest.raises(
        UserError, match="of model m has <s> and </s>, but encodes rows without them"
    ):
        check_published(_loaded(_no_frame(tmp_path / "bare")), 7, "model m")
