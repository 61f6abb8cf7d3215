"""fairseq's checkpoint files: what is in one, read without fairseq and without trusting pickles."""

from __future__ import annotations

import argparse
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pipeline.common.archives import check_archive, check_tensors
from pipeline.common.artifacts import Json, atomic_file
from pipeline.common.checked import Index
from pipeline.common.config import parse_known
from pipeline.errors import UserError

# All that a checkpoint may hold beside tensors, numbers, text and containers.
ALLOWED: list[Any] = [argparse.Namespace]


@dataclass(frozen=True)
class Training:
    """What fairseq needs to go on, in its own structures: history, place in the data, optimizer."""

    history: list[dict[str, Any]]
    iterator: dict[str, Any]
    optimizer: dict[str, Any] | None


@dataclass(frozen=True)
class Checkpoint:
    """A fairseq checkpoint: the model's arguments and weights, updates done, state of training."""

    arguments: dict[str, Any]
    weights: dict[str, torch.Tensor]
    updates: int
    training: Training

    def save(self, path: Path) -> None:
        """Write a file that ``fairseq-train --restore-file`` takes; same content, same bytes."""
        state = {
            "args": argparse.Namespace(**self.arguments),
            "cfg": None,
            "model": OrderedDict(self.weights),
            "optimizer_history": self.training.history,
            "task_state": {},
            "extra_state": {"train_iterator": self.training.iterator, "val_loss": None},
            "last_optimizer_state": self.training.optimizer,
        }
        # torch writes the file's name into the file: a stream has none.
        with atomic_file(path) as temporary, open(temporary, "wb") as stream:
            torch.save(state, stream)


def first_training(updates: int) -> Training:
    """The state of a training that has not begun, for weights that took ``updates`` to make."""
    entry = {
        "criterion_name": "MaskedLmLoss",
        "optimizer_name": "FairseqAdam",
        "lr_scheduler_state": {"best": None},
        "num_updates": updates,
    }
    iterator = {"version": 2, "epoch": 1, "iterations_in_epoch": 0, "shuffle": True}
    return Training([entry], iterator, None)


@dataclass(frozen=True)
class _Entry:
    num_updates: Index = 0


@dataclass(frozen=True)
class _Extra:
    train_iterator: Json | None = None


@dataclass(frozen=True)
class _Said:
    """What is believed of a checkpoint beside its weights, once it has been looked at."""

    optimizer_history: tuple[_Entry, ...] | None = None
    extra_state: _Extra | None = None
    last_optimizer_state: Json | None = None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint that fairseq wrote, old or new.

    Raises:
        UserError: the file is missing, truncated, no checkpoint of fairseq's, or holds objects that
            are not on the list of what is allowed.
    """
    state = _load(path)
    if not isinstance(state, Mapping) or not isinstance(state.get("model"), Mapping):
        raise UserError(f"{path} is no checkpoint of fairseq's: it has no weights under 'model'")
    weights = dict(state["model"])
    if not all(isinstance(tensor, torch.Tensor) for tensor in weights.values()):
        raise UserError(f"{path} is no checkpoint of fairseq's: not all under 'model' are tensors")
    check_tensors(weights.values(), path)
    said = parse_known(_Said, state, f"{path}: checkpoint")
    history = said.optimizer_history or ()
    updates = history[-1].num_updates if history else 0
    training = Training(
        list(state.get("optimizer_history") or []),
        dict((state.get("extra_state") or {}).get("train_iterator") or {}),
        state.get("last_optimizer_state"),
    )
    return Checkpoint(_arguments(state, path), weights, updates, training)


def _load(path: Path) -> Any:
    check_archive(path)
    try:
        with torch.serialization.safe_globals(ALLOWED):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a checkpoint") from error
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} is no checkpoint of fairseq's, or {_reason(error)}") from error
    except Exception as error:
        # torch raises a dozen kinds for damaged files.
        raise UserError(f"{path} is truncated or no checkpoint of fairseq's") from error


def _reason(error: pickle.UnpicklingError) -> str:
    """Which object was refused, out of torch's long advice to trust the file."""
    words = str(error).split()
    if "GLOBAL" in words:
        return f"it holds a {words[words.index('GLOBAL') + 1]}, which is not loaded from a file"
    return "it is damaged"


def _arguments(state: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The model's arguments: ``args`` in old checkpoints, ``cfg.model`` from 0.10 on."""
    found = state.get("args")
    if found is None and isinstance(state.get("cfg"), Mapping):
        found = state["cfg"].get("model")
    if isinstance(found, argparse.Namespace):
        return vars(found)
    if isinstance(found, Mapping):
        return dict(found)
    raise UserError(f"{path} has neither 'args' nor 'cfg.model': it is no checkpoint of fairseq's")
