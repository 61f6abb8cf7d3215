"""A vocabulary as it is used: opened, its special tokens, its encoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.common.artifacts import sha256
from pipeline.common.checked import Name
from pipeline.common.config import read_known
from pipeline.common.manifest import MODEL_MANIFEST, TOKENIZER_MANIFEST, check_tokenizer
from pipeline.common.quoted import quoted
from pipeline.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast


# RoBERTa's and fairseq's ids: 0, 1, 2, 3; <mask> is appended last.
BOS, PAD, EOS, UNK, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"


def open_tokenizer(directory: Path) -> PreTrainedTokenizerFast:
    """Load the folder that `make_tokenizer` wrote; it takes ``MASK`` for its last id.

    Raises:
        UserError: a file is missing or damaged.
    """
    if not (directory / "tokenizer.json").exists():
        raise UserError(f"{directory}/tokenizer.json is missing: run dvc repro tokenizer")
    check_tokenizer(directory)
    config = directory / "tokenizer_config.json"
    plain = config.exists() and _class_of(config) == "TokenizersBackend"
    return load_tokenizer(str(directory), None, plain)


@dataclass(frozen=True)
class _Config:
    """What is read of ``tokenizer_config.json``."""

    tokenizer_class: Name | None = None


def _class_of(config: Path) -> str | None:
    name: str | None = read_known(_Config, config).get("tokenizer_class")
    return name


def bulk_encoder(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """The bare tokenizer for `encode_batch_fast`: whole texts, unpadded, and text stays text.

    Without the last, a corpus that holds the characters ``</s>`` would put that special token
    inside a sentence.
    """
    encoder: Tokenizer = tokenizer.backend_tokenizer
    encoder.no_truncation()
    encoder.no_padding()
    encoder.encode_special_tokens = True
    return encoder


def spaced(text: str) -> str:
    """A text as it looks inside running text; a word keeps one form wherever it stands (ours)."""
    return f" {text}"


@dataclass(frozen=True)
class _Manifest:
    """What is read of a manifest."""

    leading_space: bool = False


def has_leading_space(directory: Path) -> bool:
    """Whether a folder's tokenizer is given texts as they look inside running text (`spaced`).

    Its manifest says so where this project pretrained with it, and still does when the checkpoint
    was published and fetched. Tokenizers of others have none: their models are fine-tuned with
    texts as they are.

    Raises:
        UserError: the manifest is no JSON, or says something else than yes or no.
    """
    manifests = (directory / name for name in (TOKENIZER_MANIFEST, MODEL_MANIFEST))
    return any(
        path.exists() and read_known(_Manifest, path).get("leading_space", False)
        for path in manifests
    )


def tokenizer_hash(directory: Path) -> str:
    """What identifies the vocabulary: the hash of ``tokenizer.json``."""
    return sha256(directory / "tokenizer.json")


def load_tokenizer(
    place: str, revision: str | None, plain: bool = False
) -> PreTrainedTokenizerFast:
    """Load a tokenizer; a ``plain`` one, as this project trains, without looking up its class."""
    import transformers

    # Looking a class up imports torch, which half of the stages can do without.
    loader: Any = transformers.PreTrainedTokenizerFast if plain else transformers.AutoTokenizer
    try:
        tokenizer = loader.from_pretrained(place, revision=revision)
    except Exception as error:
        # Each tokenizer has its own way of failing when its files are damaged.
        raise UserError(
            f"tokenizer {place!r} cannot be loaded ({quoted(error)}): check tokenizer.id, "
            "tokenizer.revision and the network"
        ) from error
    if not tokenizer.is_fast:
        raise UserError(f"tokenizer {place!r} has no tokenizer.json, which fast encoding needs")
    return cast("PreTrainedTokenizerFast", tokenizer)
