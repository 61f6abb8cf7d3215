"""A segment trained by fairseq-train: the same checkpoints in, the same kind of checkpoint out.

``state/`` of such a checkpoint holds ``fairseq.pt``, a checkpoint of fairseq's own without clocks
and paths, from which the next segment goes on exactly as if fairseq had not stopped.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pipeline import device
from pipeline.artifacts import (
    Journal,
    atomic_directory,
    atomic_file,
    fingerprint,
    remove_others,
    sha256,
    write_jsonl,
)
from pipeline.backends.fairseq.architecture import to_arguments
from pipeline.backends.fairseq.arguments import train_arguments
from pipeline.backends.fairseq.checkpoint import Checkpoint, read_checkpoint
from pipeline.backends.fairseq.convert import checkpoint_of, model_of
from pipeline.backends.fairseq.corpus import binarise
from pipeline.backends.fairseq.environment import interpreter, running
from pipeline.backends.fairseq.log import Progress, parse
from pipeline.backends.fairseq.weights import current_names
from pipeline.backends.job import Job
from pipeline.errors import UserError
from pipeline.pretraining.checkpoints import (
    STATE_MANIFEST,
    check_model,
    check_state,
    open_model,
    save_model,
    seal,
)
from pipeline.pretraining.packing import Blocks
from pipeline.pretraining.run import Places, held_out_loss, special_tokens
from pipeline.pretraining.watch import healthy
from pipeline.text.corpus import Corpus
from pipeline.text.tokenizer import open_tokenizer

if TYPE_CHECKING:
    from transformers import RobertaForMaskedLM

STATE = "fairseq.pt"
_LAST = "checkpoint_last.pt"
_LOG = logging.getLogger(__name__)
_CPU = torch.device("cpu")


def train(job: Job) -> None:
    """Train the segment in fairseq's environment and write its checkpoint.

    Every ``save_every`` updates fairseq saves to scratch; a segment that was killed goes on there.

    Raises:
        UserError: there is no such environment, fairseq-train failed, the loss has diverged, or an
            input is damaged or does not belong to the others.
    """
    python = interpreter()
    place = device.prepare(job.width)
    processes = _processes(place)
    tokenizer = open_tokenizer(job.start.tokenizer)
    special = special_tokens(tokenizer)
    # No checkpoint's name begins with a dot, so this is no segment's scratch.
    lines = job.end.scratch.parent / ".lines"
    data = binarise(job.start.corpus, job.start.tokenizer, job.recipe.length, special, lines)
    folder = job.end.scratch / _identity(job)
    remove_others(folder)
    first = _check_start(job)
    rows = Journal(folder / "training.jsonl")
    guessing = math.log(len(tokenizer))

    def check(loss: float, step: int) -> float:
        return healthy(loss, step, guessing, f"checkpoints before {job.end.model} are kept")

    if _restore(job.start, folder) < job.stop:
        model = to_arguments(open_model(job.start.model, _CPU).config)
        arguments = train_arguments(job, model, first, data, folder, place.type == "cpu", processes)
        _run(python, arguments, folder, rows, check, Progress(job.stop, _tokens(job)))
    checkpoint = read_checkpoint(folder / _LAST)
    if checkpoint.updates != job.stop:
        raise UserError(
            f"fairseq-train stopped at update {checkpoint.updates}, not at {job.stop}: see "
            f"{folder / 'fairseq.log'}"
        )
    trained = model_of(checkpoint, len(tokenizer), folder / _LAST)
    trained.to(place)  # type: ignore[arg-type]
    held_out = Blocks(Corpus.open(job.start.corpus, "valid"), job.recipe.length, special, job.seed)
    valid = held_out_loss(trained, held_out, job.recipe, special, job.seed, place)
    log = [*_once(rows.read()), {"step": job.stop, "valid_loss": check(valid, job.stop)}]
    _LOG.info("update %d: held-out perplexity %.2f", job.stop, math.exp(valid))
    save_model(trained, job.stop, job.start.tokenizer, job.end.model)
    _save_state(checkpoint, trained, log, job.end.state)
    shutil.rmtree(folder)


def _processes(place: torch.device) -> int:
    wanted = os.environ.get("PIPELINE_PROCESSES", "1")
    if not wanted.isdecimal() or int(wanted) < 1:
        raise UserError(f"PIPELINE_PROCESSES is {wanted!r}: say how many GPUs fairseq trains on")
    if int(wanted) > 1 and place.type == "cpu":
        raise UserError(
            f"PIPELINE_PROCESSES is {wanted}, but fairseq trains in several processes on GPUs only"
        )
    return int(wanted)


def _tokens(job: Job) -> int:
    return job.recipe.batch * job.recipe.length


def _identity(job: Job) -> str:
    """The hash of all that the segment's result depends on."""
    files = [job.start.model / "checkpoint.json", job.start.state / STATE_MANIFEST]
    files.append(job.start.corpus / "manifest.json")
    recipe = {key: value for key, value in vars(job.recipe).items() if key != "save_every"}
    hashes = [sha256(path) for path in files]
    return fingerprint(["fairseq", recipe, job.stop, job.seed, job.decay, hashes])[:16]


def _check_start(job: Job) -> int:
    """The update that the segment starts at."""
    made, known = (
        check_model(job.start.model)["step"],
        check_state(job.start.state)["step"],
    )
    if made != known:
        raise UserError(
            f"{job.start.state} is of update {known}, but {job.start.model} of update {made}: "
            f"remove {job.start.model.parent} and run dvc repro"
        )
    if made >= job.stop:
        raise UserError(
            f"the checkpoint in {job.start.model} is at update {made}, not before {job.stop}"
        )
    return int(made)


def _restore(start: Places, folder: Path) -> int:
    """Put what fairseq is to go on from where it looks; return the update that it is of."""
    last = folder / _LAST
    halfway = _newest(folder)
    if halfway is not None:
        updates, path = halfway
        if path != last:
            _copy(path, last)
        _LOG.info("going on at update %d", updates)
        return updates
    folder.mkdir(parents=True, exist_ok=True)
    step = int(check_state(start.state)["step"])
    if (start.state / STATE).exists():
        _copy(start.state / STATE, last)
    elif step == 0:
        # The same first weights as the native backend's.
        checkpoint_of(open_model(start.model, _CPU), 0).save(last)
    else:
        raise UserError(
            f"{start.state} has no {STATE}: another backend trained it; remove "
            f"{start.model.parent} and run dvc repro"
        )
    return step


def _newest(folder: Path) -> tuple[int, Path] | None:
    """The whole checkpoint with the most updates in scratch: a kill can tear the last one."""
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


def _run(
    python: Path,
    arguments: list[str],
    folder: Path,
    rows: Journal,
    check: Callable[[float, int], float],
    progress: Progress,
) -> None:
    """Run fairseq-train to its end, watching what it says."""
    said = ""
    record = folder / "fairseq.log"
    with (
        running(python, "train", arguments, torch.get_num_threads()) as process,
        open(record, "a", encoding="utf-8") as stream,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            stream.write(line)
            row = parse(line)
            if row is not None:
                check(row["loss"], row["step"])
                rows.append(row)
                progress(row)
            said = line.strip() or said
    if process.returncode != 0:
        raise UserError(
            f"fairseq-train ended with status {process.returncode} ({said}): see {record}"
        )


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each update's row once: after a kill fairseq goes on at its last save and says some again."""
    return [row for _, row in sorted({row["step"]: row for row in rows}.items())]


def _save_state(
    checkpoint: Checkpoint, model: RobertaForMaskedLM, log: list[dict[str, Any]], directory: Path
) -> None:
    """Write what the next segment goes on from, the same however often this one was killed."""
    # fairseq adds an entry to its history at every start; the schedule is a function of the update.
    entry = checkpoint.training.history[-1] | {"lr_scheduler_state": {"best": None}}
    kept = replace(
        checkpoint,
        arguments=to_arguments(model.config),
        weights=current_names(checkpoint.weights),
        training=replace(checkpoint.training, history=[entry]),
    )
    with atomic_directory(directory) as folder:
        kept.save(folder / STATE)
        write_jsonl(folder / "training.jsonl", log)
        seal(folder, STATE_MANIFEST, checkpoint.updates)
