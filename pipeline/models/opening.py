"""A checkpoint as a model for a task: opened with a new head, whatever its architecture."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pipeline.common.problem import Problem
from pipeline.common.quiet import without_bars
from pipeline.common.quoted import quoted
from pipeline.common.seeds import isolated
from pipeline.errors import UserError
from pipeline.training.device import prepare
from pipeline.training.onednn import through_onednn
from pipeline.training.precision import Precision

if TYPE_CHECKING:
    from transformers import PreTrainedModel


# A pooling layer belongs to the head: models that were pretrained without one lack it.
_POOLER = re.compile(r"\bpooler\b")


# How the architectures name the dropout of hidden states, of attention, and of the new head. What
# a configuration leaves at None follows another of its names, and stays so.
_DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob",
    "dropout", "attention_dropout", "hidden_dropout", "classifier_dropout", "dropout_rate",
    "embedding_dropout", "mlp_dropout", "embd_pdrop", "attn_pdrop", "resid_pdrop",
    "pooler_dropout", "summary_last_dropout", "summary_first_dropout", "seq_classif_dropout",
)  # fmt: skip


def open_for_task(
    model_dir: Path,
    *,
    outputs: int,
    problem: Problem,
    dropout: float | None,
    seed: int,
    precision: Precision = "fp32",
    recompute: bool = False,
    device: torch.device | None = None,
) -> PreTrainedModel:
    """Load a checkpoint with a new head for a task, drawn from ``(seed, "head")``.

    Args:
        model_dir: the model's folder.
        outputs: how many numbers the head puts out.
        problem: the loss, by Hugging Face's name for it.
        dropout: of the hidden states, of attention and of the head; None leaves the checkpoint's
            own.
        seed: what the head's weights are drawn from.
        precision: ``bf16`` lets forward passes compute under bfloat16 autocast; with
            ``bf16_weights`` the weights are in bfloat16 too.
        recompute: let the backward pass compute each block's activations anew.
        device: where to compute; None for the machine's own choice.

    Raises:
        UserError: the folder holds no model that can classify, lacks weights of it, has no dropout
            that could be set, or is of an architecture that recomputes nothing.
    """
    place = device or prepare(_width(model_dir))
    model = _load(model_dir, outputs, problem, dropout, seed)
    if precision == "bf16_weights":
        hold_in_bfloat16(model)
    if recompute:
        try:
            recompute_activations(model)
        except ValueError:
            raise UserError(
                f"{model_dir} is of type {model.config.model_type}, which cannot compute "
                "activations anew: set the task's finetune.recompute to false"
            ) from None
    model.to(place)
    through_onednn(model)
    if precision != "fp32":
        compute_in_bfloat16(model)
    return model  # type: ignore[no-any-return]


def _load(model_dir: Path, outputs: int, problem: Problem, dropout: float | None, seed: int) -> Any:
    from transformers import AutoConfig, AutoModelForSequenceClassification
    from transformers.utils import logging

    logging.set_verbosity_error()
    without_bars()
    try:
        config = AutoConfig.from_pretrained(model_dir, num_labels=outputs, problem_type=problem)
        if dropout is not None:
            _set_dropout(config, dropout, model_dir)
        with isolated(seed, "head"):
            model, loading = AutoModelForSequenceClassification.from_pretrained(
                model_dir, config=config, dtype=torch.float32, output_loading_info=True
            )
    except UserError:
        raise
    except Exception as error:
        raise _no_classifier(model_dir, error) from None
    _check_whole(model, loading["missing_keys"], model_dir)
    return model


def _set_dropout(config: Any, dropout: float, model_dir: Path) -> None:
    names = [name for name in _DROPOUTS if getattr(config, name, None) is not None]
    if not names:
        raise UserError(
            f"{model_dir} is a {config.model_type} without a dropout to set: set the task's "
            "finetune.dropout to null"
        )
    for name in names:
        setattr(config, name, dropout)


def _check_whole(model: PreTrainedModel, missing: Collection[str], model_dir: Path) -> None:
    """Only the head may be new: transformers would draw any other missing weight at random."""
    prefix = f"{model.base_model_prefix}."
    lost = sorted(name for name in missing if name.startswith(prefix) and not _POOLER.search(name))
    if lost:
        raise UserError(
            f"{model_dir} lacks {len(lost)} of the model's weights, such as {lost[0]}: it is not "
            f"a whole {model.config.model_type}"
        )


def hold_in_bfloat16(model: nn.Module) -> None:
    """Round the model's parameters to bfloat16.

    Buffers stay as they are: rotary positions would be rounded otherwise.
    """
    for parameter in model.parameters():
        parameter.data = parameter.data.bfloat16()


def recompute_activations(model: PreTrainedModel) -> None:
    """Let blocks keep nothing but their input for the backward pass.

    Dropout is drawn again from the same state, so that gradients agree: of most architectures in
    every bit, of GPT-2 to rounding.

    Raises:
        ValueError: the architecture cannot.
    """
    with warnings.catch_warnings():
        # Later versions have another name for it; all of transformers 5 know this one.
        warnings.simplefilter("ignore", FutureWarning)
        model.gradient_checkpointing_enable({"use_reentrant": False})


def compute_in_bfloat16(model: nn.Module) -> None:
    """Let every forward pass of the model run under bfloat16 autocast, in training and evaluation.

    The cast stands around the forward pass alone: kept over an update, autocast's copies of the
    weights would be those from before it.
    """
    kind = next(model.parameters()).device.type
    model.forward = torch.autocast(kind, dtype=torch.bfloat16)(model.forward)


def _width(model_dir: Path) -> int:
    """Width of a checkpoint's hidden states."""
    from transformers import AutoConfig

    try:
        return int(AutoConfig.from_pretrained(model_dir).hidden_size)
    except Exception as error:
        raise _no_classifier(model_dir, error) from None


def _no_classifier(model_dir: Path, error: Exception) -> UserError:
    """What transformers cannot build, in a sentence: each architecture has its own errors."""
    return UserError(f"{model_dir} is not a model that can classify: {quoted(error)}")


def positions(model: nn.Module) -> int | None:
    """The longest row that the model's table of positions has room for; None without a table.

    Some tables begin with rows that are never used: up to the padding id, or an offset.
    """
    rooms = []
    for name, module in model.named_modules():
        own = name.rpartition(".")[2]
        if isinstance(module, nn.Embedding) and ("position" in own or own == "wpe"):
            unused = getattr(module, "offset", 0)
            if module.padding_idx is not None:
                unused = module.padding_idx + 1
            rooms.append(module.num_embeddings - unused)
    return min(rooms, default=None)
