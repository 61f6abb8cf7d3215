"""What a tokenizer must be, checked where one comes in rather than stages later."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

from pipeline.common.quoted import quoted
from pipeline.errors import UserError
from pipeline.tokens.tokenizer import spaced

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# The special tokens that pretraining needs.
PRETRAINING = ("bos_token", "pad_token", "eos_token", "unk_token", "mask_token")
_LIKE = "take one like RoBERTa's, or set tokenizer.source to train"


def check_for_pretraining(tokenizer: PreTrainedTokenizerFast, where: str) -> None:
    """Check what blocks, masking and the model's embedding rely on; ``where`` names the tokenizer.

    Raises:
        UserError: a special token is missing or has no place, ids exceed the vocabulary, or rows of
            text get no frame.
    """
    ids = {name: getattr(tokenizer, f"{name}_id") for name in PRETRAINING}
    missing = [name for name, own in ids.items() if own is None]
    if missing:
        raise UserError(
            f"{where} has no {' and no '.join(missing)}, and pretraining needs "
            f"{', '.join(PRETRAINING)}: {_LIKE}"
        )
    check_vocabulary(tokenizer, len(tokenizer), where, "vocabulary")
    mask = ids.pop("mask_token")
    if mask != len(tokenizer) - 1 or max(ids.values()) + 1 >= mask:
        raise UserError(
            f"{where} has the ids {', '.join(map(str, ids.values()))} for "
            f"{', '.join(ids)}, and {mask} for mask_token, but needs the former before all words "
            f"and the latter as its last id, {len(tokenizer) - 1}: {_LIKE}"
        )
    for row in _rows(tokenizer, where):
        ends = (ids["bos_token"], ids["eos_token"])
        if not row or (row[0], row[-1]) != ends:
            raise UserError(
                f"{where} does not put {tokenizer.bos_token} before a text and "
                f"{tokenizer.eos_token} behind it (its tokenizer.json has no post_processor that "
                f"does): {_LIKE}"
            )


def check_published(tokenizer: PreTrainedTokenizerFast, embedding: object, where: str) -> None:
    """Check that a published model's tokenizer frames rows with what it has, and fits the model.

    Args:
        tokenizer: the model's.
        embedding: the configuration's ``vocab_size``; anything but a number is not compared.
        where: names the model in sentences.

    Raises:
        UserError: its ids exceed the embedding, or it has cls_token and sep_token but encodes rows
            without them.
    """
    if isinstance(embedding, int):
        check_vocabulary(tokenizer, embedding, f"the tokenizer of {where}", "model's vocab_size")
    frame = {tokenizer.cls_token_id, tokenizer.sep_token_id} - {None}
    for row in _rows(tokenizer, where):
        if not frame <= set(row):
            raise UserError(
                f"the tokenizer of {where} has {tokenizer.cls_token} and {tokenizer.sep_token}, "
                "but encodes rows without them (its tokenizer.json has no post_processor that "
                "adds them): set tokenizer to a model whose tokenizer does"
            )


def check_vocabulary(tokenizer: PreTrainedTokenizerFast, size: int, where: str, what: str) -> None:
    """Check that every id is below ``size``; ``what`` says in a sentence what has that size.

    Raises:
        UserError: an id is not, which would be found out at the first row that has it.
    """
    token, largest = max(tokenizer.get_vocab().items(), key=lambda item: item[1])
    if largest >= size:
        raise UserError(
            f"{where} gives {token!r} the id {largest}, but the {what} has room for {size} ids: "
            "they do not belong together"
        )


def _rows(tokenizer: PreTrainedTokenizerFast, where: str) -> Sequence[list[int]]:
    """A text and a pair of texts, encoded as tasks are."""
    # A copy: what is set here would be saved with the tokenizer.
    encoder = deepcopy(tokenizer.backend_tokenizer)
    encoder.no_truncation()
    encoder.no_padding()
    try:
        found = encoder.encode_batch_fast([spaced("a"), (spaced("a"), spaced("b"))])
    except Exception as error:
        # The library raises a plain Exception where, say, a word has no id.
        raise UserError(f"{where} cannot encode a text ({quoted(error)})") from None
    return [row.ids for row in found]
