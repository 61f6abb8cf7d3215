"""``python -m pipeline convert``: a fairseq checkpoint as a Hugging Face folder, and back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pipeline.backends.fairseq.architecture import to_arguments, to_config
from pipeline.backends.fairseq.checkpoint import (
    Checkpoint,
    Training,
    first_training,
    read_checkpoint,
)
from pipeline.backends.fairseq.dictionary import read_dictionary, vocabulary, write_dictionary
from pipeline.backends.fairseq.weights import current_names, to_fairseq, to_transformers
from pipeline.common.artifacts import atomic_directory
from pipeline.common.manifest import MODEL_MANIFEST, check_model
from pipeline.common.quiet import without_bars
from pipeline.errors import UserError
from pipeline.pretraining.checkpoints import save_model
from pipeline.tokens.tokenizer import open_tokenizer

if TYPE_CHECKING:
    from transformers import RobertaForMaskedLM

MODEL, DICTIONARY = "model.pt", "dict.txt"


def convert(
    source: Path, out: Path, dictionary: Path | None = None, tokenizer: Path | None = None
) -> str:
    """Convert by what the source is: a Hugging Face folder, or something of fairseq's.

    Args:
        source: a folder with ``config.json``; or a fairseq checkpoint, or a folder that has it as
            ``model.pt``.
        out: the folder to make; it must not exist.
        dictionary: the ``dict.txt``; left out, the one beside the checkpoint, or the one that the
            tokenizer gives.
        tokenizer: a folder with the tokenizer to put into the Hugging Face folder.

    Returns:
        A sentence that says what was written.

    Raises:
        UserError: the source or a file beside it is wrong or damaged, or ``out`` exists.
    """
    if out.exists():
        raise UserError(f"{out} exists: remove it, or name another folder")
    if (source / "config.json").exists():
        if tokenizer is not None:
            raise UserError(f"{source} is a Hugging Face folder: it brings its own tokenizer")
        return _to_fairseq(source, out, dictionary)
    if source.is_dir():
        source = source / MODEL
    if not source.exists():
        raise UserError(
            f"{source} is missing: name a fairseq checkpoint, or a Hugging Face folder with its "
            "config.json"
        )
    return _to_transformers(source, out, dictionary or source.with_name(DICTIONARY), tokenizer)


def model_of(checkpoint: Checkpoint, symbols: int, path: Path) -> RobertaForMaskedLM:
    """The model that a checkpoint holds, in evaluation mode.

    Args:
        checkpoint: as `read_checkpoint` gave it.
        symbols: size of its vocabulary, ``<mask>`` included.
        path: where it came from, for messages.

    Raises:
        UserError: it is not the RoBERTa that transformers has, or of another vocabulary.
    """
    from transformers import RobertaForMaskedLM

    weights = current_names(checkpoint.weights)
    try:
        config = to_config(checkpoint.arguments, weights)
        state = to_transformers(weights)
    except UserError as error:
        raise UserError(f"{path} cannot be converted: {error}") from error
    if config.vocab_size != symbols:
        raise UserError(
            f"{path} embeds {config.vocab_size} symbols, but its vocabulary has {symbols}: give "
            "the dict.txt that it was trained with"
        )
    with torch.random.fork_rng():
        model: Any = RobertaForMaskedLM(config)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(
            f"{path} cannot be converted: its weights' shapes contradict each other"
        ) from error
    model.tie_weights()
    return model.eval()  # type: ignore[no-any-return]


def checkpoint_of(
    model: RobertaForMaskedLM, updates: int, training: Training | None = None
) -> Checkpoint:
    """A checkpoint that ``fairseq-train`` goes on from; without a state its training is fresh.

    Raises:
        UserError: fairseq's RoBERTa cannot be that model.
    """
    arguments = to_arguments(model.config)
    weights = to_fairseq(model.state_dict(), model.config.num_hidden_layers)
    return Checkpoint(arguments, weights, updates, training or first_training(updates))


def _to_transformers(source: Path, out: Path, dictionary: Path, tokenizer: Path | None) -> str:
    checkpoint = read_checkpoint(source)
    symbols = read_dictionary(dictionary)
    model = model_of(checkpoint, len(symbols), source)
    if tokenizer is not None:
        _check_tokenizer(tokenizer, symbols, dictionary)
    save_model(model, checkpoint.updates, tokenizer, out)
    sentence = f"{out}: {_size(model)} from {source}, {checkpoint.updates} updates"
    if model.config.hidden_act != "gelu":
        sentence += (
            "; its head was trained with the tanh form of GELU, where transformers always has the "
            "exact one: logits differ by about 0.001"
        )
    return sentence


def _check_tokenizer(folder: Path, symbols: list[str], dictionary: Path) -> None:
    known = vocabulary(open_tokenizer(folder))
    if len(known) != len(symbols):
        raise UserError(
            f"{folder} has {len(known)} tokens, but {dictionary} makes {len(symbols)} with the "
            "special ones"
        )
    for index, (ours, theirs) in enumerate(zip(known, symbols, strict=True)):
        if ours != theirs:
            raise UserError(
                f"token {index} is {ours!r} in {folder}, but {theirs!r} by {dictionary}: the order "
                "must be the same"
            )


def _to_fairseq(source: Path, out: Path, dictionary: Path | None) -> str:
    model, updates = _open_folder(source)
    with atomic_directory(out) as folder:
        if dictionary is None:
            write_dictionary(vocabulary(open_tokenizer(source)), folder / DICTIONARY)
        else:
            shutil.copyfile(dictionary, folder / DICTIONARY)
        symbols = len(read_dictionary(folder / DICTIONARY))
        if symbols != model.config.vocab_size:
            raise UserError(
                f"{source} embeds {model.config.vocab_size} symbols, but its vocabulary has "
                f"{symbols}"
            )
        try:
            checkpoint_of(model, updates).save(folder / MODEL)
        except UserError as error:
            raise UserError(f"{source} cannot be converted: {error}") from error
    return f"{out}: {MODEL} and {DICTIONARY}, {_size(model)} from {source}"


def _open_folder(source: Path) -> tuple[RobertaForMaskedLM, int]:
    """The model in a Hugging Face folder, all of it, and its update where a manifest tells."""
    from transformers import RobertaForMaskedLM

    without_bars()
    updates = 0
    if (source / MODEL_MANIFEST).exists():
        updates = check_model(source)["step"]
    try:
        loaded: Any = RobertaForMaskedLM.from_pretrained(
            source, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{source} holds no model that transformers can load") from error
    model, report = loaded
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(f"{source} lacks the weight {missing[0]!r} of a RobertaForMaskedLM")
    return model, updates


def _size(model: RobertaForMaskedLM) -> str:
    config = model.config
    return f"a RoBERTa of {config.num_hidden_layers} layers, {config.hidden_size} wide"
