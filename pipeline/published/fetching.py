"""Models that others published, fetched into ordinary checkpoint folders; data only, never code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.common.artifacts import Json, atomic_directory, write_json
from pipeline.common.config import read_known
from pipeline.common.links import check_links
from pipeline.common.manifest import MODEL_MANIFEST, seal
from pipeline.common.pointers import check_no_pointer
from pipeline.common.quoted import quoted
from pipeline.errors import UserError
from pipeline.published.files import Config
from pipeline.published.place import Place
from pipeline.published.weights import copy_weights
from pipeline.tokens.contract import check_published
from pipeline.tokens.tokenizer import has_leading_space

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_CONFIG = "config.json"
# What the hub is asked for: first everything but pickled weights, which may not be needed.
_FIRST = (_CONFIG, MODEL_MANIFEST, "tokenizer*", "special_tokens_map.json", "added_tokens.json",
          "vocab*", "merges.txt", "spiece.model", "spm.model", "sentencepiece*",
          "model.safetensors*", "model-*.safetensors")  # fmt: skip
# One of these holds a tokenizer's vocabulary; without any, transformers makes up an empty one.
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab*", "spiece.model", "spm.model",
                 "sentencepiece*")  # fmt: skip
_PICKLES = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def fetch(place: Place, step: int, directory: Path) -> Json:
    """Write a checkpoint folder as pretraining would: weights, tokenizer, ``checkpoint.json``.

    Weights stay as published, but for pickled ones, which become safetensors. The manifest says
    where they came from, with the hub's commit, and the hash of every file; of a checkpoint that
    this project made, also how its tokenizer is given texts.

    Raises:
        UserError: the model cannot be had, cannot classify, would need code of its repository, or
            lacks weights, a fast tokenizer or a padding token.
    """
    origin, commit = _local(place)
    where = place.describe()
    config = _config(origin, where)
    with atomic_directory(directory) as folder:
        copy_weights(origin, folder, where)
        tokenizer = _tokenizer(place, origin, where)
        check_published(tokenizer, config.get("vocab_size"), where)
        tokenizer.save_pretrained(folder)
        write_json(folder / _CONFIG, _padded(config, tokenizer, where))
        return seal(
            folder,
            MODEL_MANIFEST,
            step=step,
            leading_space=has_leading_space(origin),
            origin={**asdict(place), "commit": commit},
        )


def pins(places: Mapping[str, Place]) -> str:
    """For each model of the hub its name and present commit, to write behind ``revision``.

    Raises:
        UserError: the hub does not tell.
    """
    from huggingface_hub import HfApi

    lines = []
    for name, place in places.items():
        if place.source == "hub":
            try:
                commit = HfApi().model_info(place.id, revision=place.revision).sha
            except Exception as error:
                # The hub's client hands on errors of whatever HTTP library it uses.
                raise UserError(
                    f"the hub does not tell the commit of {place.describe()} ({quoted(error)})"
                ) from error
            lines.append(f"{name}: {{revision: {commit}}}  # {place.id}")
    return "\n".join(lines) or "no model comes from the hub"


def _local(place: Place) -> tuple[Path, str | None]:
    """The folder that holds the model's files here, and the hub's commit."""
    if place.source == "hub":
        root = _download(place.id, place.revision, place.folder)
        folder, commit = root / (place.folder or ""), root.name
    else:
        folder, commit = Path(place.id) / (place.folder or ""), None
        check_links(folder, Path(place.id))
    if not (folder / _CONFIG).is_file():
        raise UserError(f"{place.describe()} has no {_CONFIG}: check id, revision and folder")
    return folder, commit


def _download(name: str, revision: str | None, folder: str | None) -> Path:
    """Files of one commit in the hub's cache; pickled weights only where there are no others."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    # Bars of several stages would write over each other, and fill a log.
    disable_progress_bars()
    prefix = f"{folder}/" if folder else ""
    try:
        first = snapshot_download(name, revision=revision, allow_patterns=_under(prefix, _FIRST))
        root = Path(first)
        if not list((root / prefix).glob("model*.safetensors")):
            snapshot_download(name, revision=root.name, allow_patterns=_under(prefix, _PICKLES))
    except Exception as error:
        # As in `pins`.
        at = f" at {revision}" if revision else ""
        raise UserError(
            f"hub model {name!r}{at} cannot be fetched ({quoted(error)}): check id, revision and "
            "the network, or give a local folder"
        ) from error
    return root


def _under(prefix: str, names: tuple[str, ...]) -> list[str]:
    return [prefix + name for name in names]


def _config(origin: Path, where: str) -> Json:
    """``config.json`` of a model whose architecture transformers has, and that can classify."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as CLASSIFIERS,
    )

    check_no_pointer(origin / _CONFIG)
    config = read_known(Config, origin / _CONFIG)
    kind = config.get("model_type")
    if kind not in CLASSIFIERS:
        raise UserError(
            f"{where} is of model_type {kind!r}, which transformers cannot classify with (code of "
            "a repository is never run): give an architecture that it has a classifier for"
        )
    return config


def _tokenizer(place: Place, origin: Path, where: str) -> PreTrainedTokenizerFast:
    """The checkpoint's own fast tokenizer, or the place's other one, with a padding token."""
    from transformers import AutoTokenizer

    source = origin
    if place.tokenizer:
        source = (
            _download(place.tokenizer, place.tokenizer_revision, None)
            if place.source == "hub"
            else Path(place.tokenizer)
        )
        if place.source == "folder":
            check_links(source)
    advice = "set tokenizer to a model that has the same vocabulary"
    vocabularies = [path for name in _VOCABULARIES for path in source.glob(name)]
    if not vocabularies:
        raise UserError(f"{where} has no tokenizer: {advice}")
    for path in (*vocabularies, *source.glob("tokenizer_config.json")):
        check_no_pointer(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except Exception as error:
        # Each tokenizer has its own way of failing when its files are missing.
        raise UserError(
            f"{where} has no tokenizer that can be loaded ({quoted(error)}): {advice}"
        ) from error
    if not tokenizer.is_fast:
        raise UserError(f"the tokenizer of {where} has no fast form: set tokenizer to one that has")
    if place.pad_token is not None:
        if place.pad_token not in tokenizer.get_vocab():
            raise UserError(f"{where}: pad_token {place.pad_token!r} is not in the vocabulary")
        tokenizer.pad_token = place.pad_token
    if tokenizer.pad_token_id is None:
        raise UserError(
            f"the tokenizer of {where} has no padding token: set pad_token to one of its tokens"
        )
    return cast("PreTrainedTokenizerFast", tokenizer)


def _padded(config: Mapping[str, Any], tokenizer: PreTrainedTokenizerFast, where: str) -> Json:
    """The configuration with the tokenizer's padding id: decoders find a row's end by it."""
    own, needed = config.get("pad_token_id"), tokenizer.pad_token_id
    if own not in (None, needed) and config.get("type_vocab_size") is not None:
        raise UserError(
            f"{where} pads with id {own}, but its tokenizer with {needed}: they do not belong "
            "together"
        )
    return {**config, "pad_token_id": needed}
