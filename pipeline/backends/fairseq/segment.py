"""A segment trained by fairseq-train: the same checkpoints in, the same kind of checkpoint out.

``state/`` of such a checkpoint holds ``fairseq.pt``, a checkpoint of fairseq's own without clocks
and paths, from which the next segment goes on exactly as if fairseq had not stopped.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pipeline.backends.fairseq.architecture import to_arguments
from pipeline.backends.fairseq.arguments import train_arguments
from pipeline.backends.fairseq.checkpoint import read_checkpoint
from pipeline.backends.fairseq.convert import model_of
from pipeline.backends.fairseq.corpus import binarise
from pipeline.backends.fairseq.environment import interpreter, running, versions
from pipeline.backends.fairseq.log import Progress, parse
from pipeline.backends.fairseq.resume import LAST, first_update, restore, save_state
from pipeline.backends.job import Job
from pipeline.common.artifacts import Journal, fingerprint, remove_others
from pipeline.common.code import code_hash
from pipeline.common.manifest import MODEL_MANIFEST, STATE_MANIFEST
from pipeline.common.sealed import hash_of
from pipeline.errors import UserError
from pipeline.pretraining.checkpoints import open_model, save_model
from pipeline.pretraining.packing import Blocks, SpecialTokens, special_tokens
from pipeline.pretraining.run import held_out_loss
from pipeline.pretraining.watch import healthy
from pipeline.tokens.corpus import Corpus
from pipeline.tokens.tokenizer import open_tokenizer
from pipeline.training import device
from pipeline.training.stack import stack

# The packages whose code decides a segment.
_CODE = ("backends", "common", "pretraining", "tokens", "training")
_OUTPUT, _ROWS = "fairseq.log", "training.jsonl"
_LOG = logging.getLogger(__name__)


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
    if place.type == "cpu" and job.recipe.precision != "fp32":
        raise UserError(
            f"pretrain.recipe.precision is {job.recipe.precision}, which fairseq has on GPUs only: "
            "set it to fp32"
        )
    first = first_update(job.start, job.stop)
    special = special_tokens(open_tokenizer(job.start.tokenizer))
    # No checkpoint's name begins with a dot, so this is no segment's scratch.
    lines = job.end.scratch.parent / ".lines"
    data = binarise(job.start.corpus, job.start.tokenizer, job.recipe.length, special, lines)
    folder = job.end.scratch / _identity(job, [versions(python), stack(place), processes])
    remove_others(folder)
    if restore(job.start, first, folder) < job.stop:
        model = to_arguments(open_model(job.start.model, torch.device("cpu")).config)
        on_cpu = place.type == "cpu"
        arguments = train_arguments(job, model, first, data, folder, on_cpu, processes)
        _run(job, python, arguments, folder, special)
    _finish(job, folder, special, place)
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


def _identity(job: Job, machine: list[Any]) -> str:
    """The hash of all that the segment's result depends on, what it is computed with included."""
    files = [job.start.model / MODEL_MANIFEST, job.start.state / STATE_MANIFEST]
    files.append(job.start.corpus / "manifest.json")
    recipe = {key: value for key, value in asdict(job.recipe).items() if key != "save_every"}
    hashes = [code_hash(*_CODE), *map(hash_of, files)]
    return fingerprint([recipe, job.stop, job.seed, job.decay, hashes, machine])[:16]


def _run(
    job: Job, python: Path, arguments: list[str], folder: Path, special: SpecialTokens
) -> None:
    """Run fairseq-train to its end, watching what it says."""
    rows, said = Journal(folder / _ROWS), ""
    progress = Progress(job.stop, job.recipe.batch * job.recipe.length)
    record = folder / _OUTPUT
    with (
        running(python, "train", arguments, torch.get_num_threads()) as process,
        open(record, "a", encoding="utf-8") as stream,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            stream.write(line)
            said = line.strip() or said
            row = parse(line)
            if row is not None:
                _healthy(job, row["loss"], row["step"], special)
                rows.append(row)
                progress(row)
    if process.returncode != 0:
        raise UserError(
            f"fairseq-train ended with status {process.returncode} ({said}): see {record}"
        )


def _finish(job: Job, folder: Path, special: SpecialTokens, place: torch.device) -> None:
    """Convert what fairseq saved last, measure it on held-out text, and write the checkpoint."""
    checkpoint = read_checkpoint(folder / LAST)
    if checkpoint.updates != job.stop:
        raise UserError(
            f"fairseq-train stopped at update {checkpoint.updates}, not at {job.stop}: see "
            f"{folder / _OUTPUT}"
        )
    model = model_of(checkpoint, special.mask + 1, folder / LAST)
    model.to(place)  # type: ignore[arg-type]
    held_out = Blocks(Corpus.open(job.start.corpus, "valid"), job.recipe.length, special, job.seed)
    valid = held_out_loss(model, held_out, job.recipe, special, job.seed, place)
    _healthy(job, valid, job.stop, special)
    _LOG.info("update %d: held-out perplexity %.2f", job.stop, math.exp(valid))
    log = _once(Journal(folder / _ROWS).read())
    log.append({"step": job.stop, "valid_loss": valid})
    save_model(model, job.stop, job.start.tokenizer, job.end.model)
    save_state(checkpoint, model.config, log, job.end.state)


def _healthy(job: Job, loss: float, step: int, special: SpecialTokens) -> None:
    guessing = math.log(special.mask + 1)
    healthy(loss, step, guessing, f"checkpoints before {job.end.model} are kept")


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each update's row once: after a kill fairseq goes on at its last save and says some again."""
    return [row for _, row in sorted({row["step"]: row for row in rows}.items())]
