"""Where fairseq-train goes on: at the checkpoint before the segment, or at its last whole save."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pipeline.backends.fairseq.architecture import to_arguments
from pipeline.backends.fairseq.checkpoint import Checkpoint, read_checkpoint
from pipeline.backends.fairseq.convert import checkpoint_of
from pipeline.backends.fairseq.weights import current_names
from pipeline.common.artifacts import atomic_directory, atomic_file
from pipeline.common.manifest import STATE_MANIFEST, check_model, check_state, seal
from pipeline.common.sealed import write_jsonl
from pipeline.errors import UserError
from pipeline.pretraining.checkpoints import open_model
from pipeline.pretraining.places import Places

STATE = "fairseq.pt"
LAST = "checkpoint_last.pt"
_LOG = logging.getLogger(__name__)


def first_update(start: Places, stop: int) -> int:
    """The update that a segment starts at, after checking what it starts from.

    Raises:
        UserError: the checkpoint is damaged, its parts do not belong together, or it is not before
            ``stop``.
    """
    made, known = check_model(start.model)["step"], check_state(start.state)["step"]
    if made != known:
        raise UserError(
            f"{start.state} is of update {known}, but {start.model} of update {made}: "
            f"remove {start.model.parent} and run dvc repro"
        )
    if made >= stop:
        raise UserError(f"the checkpoint in {start.model} is at update {made}, not before {stop}")
    return int(made)


def restore(start: Places, first: int, folder: Path) -> int:
    """Put what fairseq is to go on from where it looks; return the update that it is of.

    Args:
        start: the checkpoint before the segment.
        first: its update.
        folder: where fairseq saves.

    Raises:
        UserError: the checkpoint is another backend's, and not the first one.
    """
    last = folder / LAST
    halfway = _newest(folder)
    if halfway is not None:
        updates, path = halfway
        if path != last:
            _copy(path, last)
        _LOG.info("going on at update %d", updates)
        return updates
    folder.mkdir(parents=True, exist_ok=True)
    if (start.state / STATE).exists():
        _copy(start.state / STATE, last)
    elif first == 0:
        # The same first weights as the native backend's.
        checkpoint_of(open_model(start.model, torch.device("cpu")), 0).save(last)
    else:
        raise UserError(
            f"{start.state} has no {STATE}: another backend trained it; remove "
            f"{start.model.parent} and run dvc repro"
        )
    return first


def save_state(
    checkpoint: Checkpoint, config: Any, log: list[dict[str, Any]], directory: Path
) -> None:
    """Write what the next segment goes on from, the same however often this one was killed.

    Args:
        checkpoint: what fairseq saved last.
        config: the model's configuration.
        log: the training log.
        directory: the checkpoint's state folder.
    """
    # fairseq adds an entry to its history at every start; the schedule is a function of the update.
    entry = checkpoint.training.history[-1] | {"lr_scheduler_state": {"best": None}}
    kept = replace(
        checkpoint,
        arguments=to_arguments(config),
        weights=current_names(checkpoint.weights),
        training=replace(checkpoint.training, history=[entry]),
    )
    with atomic_directory(directory) as folder:
        kept.save(folder / STATE)
        write_jsonl(folder / "training.jsonl", log)
        seal(folder, STATE_MANIFEST, step=checkpoint.updates)


def _newest(folder: Path) -> tuple[int, Path] | None:
    """The whole checkpoint with the most updates among fairseq's: a kill can tear the last one."""
    found = []
    for path in sorted(folder.glob("checkpoint*.pt")):
        try:
            found.append((read_checkpoint(path).updates, path))
        except UserError as error:
            _LOG.warning("%s (not needed: an older one is there)", error)
    return max(found, default=None)


def _copy(source: Path, target: Path) -> None:
    with atomic_file(target) as temporary:
        shutil.copyfile(source, temporary)
