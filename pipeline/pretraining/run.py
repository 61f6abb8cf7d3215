"""A segment of pretraining: from one checkpoint to the next, resumable anywhere in between."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from pipeline.artifacts import atomic_file, fingerprint, read_json, sha256
from pipeline.errors import UserError
from pipeline.optim import OptimizerConfig, ScheduleName, adamw, schedule
from pipeline.pretraining.checkpoints import (
    Moments,
    Progress,
    open_model,
    open_state,
    save_model,
    save_state,
)
from pipeline.pretraining.masking import MaskedBatch, masked_batches
from pipeline.pretraining.mlm import ModelConfig, build_model, masked_loss
from pipeline.pretraining.packing import Blocks, SpecialTokens
from pipeline.subspace.layout import FlatParameters
from pipeline.subspace.structure import Full
from pipeline.text.corpus import Corpus
from pipeline.text.tokenizer import open_tokenizer
from pipeline.train import train

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, RobertaForMaskedLM

_LOG = logging.getLogger(__name__)
_REPORT_SECONDS = 10.0
_VALID_BLOCKS = 256
_DIVERGED = 2.0  # times the loss of guessing, ln(vocabulary)


@dataclass(frozen=True)
class PretrainConfig:
    """The recipe of Liu et al. 2019 as A21 used it (METHOD §3).

    ``total_steps`` is the schedule's horizon, which checkpoints may fall short of. ``micro_batch``
    rows go through the model at a time; it changes memory and rounding, not the recipe.
    ``log_every`` and ``save_every`` are counted in updates.
    """

    total_steps: int = 200_000
    batch: int = 1024
    micro_batch: int = 64
    length: int = 512
    learning_rate: float = 3e-4
    warmup_steps: int = 10_000
    schedule: ScheduleName = "linear"
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    weight_decay: float = 0.01
    mask_probability: float = 0.15
    log_every: int = 100
    save_every: int = 1000

    def __post_init__(self) -> None:
        for key in ("total_steps", "batch", "micro_batch", "log_every", "save_every"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} is {getattr(self, key)}, but must be at least 1")
        if self.length < 8:
            raise ValueError(f"length is {self.length}, but must be at least 8")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}, but must be above 0")
        if not 0 <= self.warmup_steps <= self.total_steps:
            raise ValueError(f"warmup_steps is {self.warmup_steps}, but must be 0 … total_steps")
        if self.save_every % self.log_every:
            raise ValueError(
                f"save_every is {self.save_every}, but must be a multiple of log_every"
            )
        if not 0 < self.mask_probability < 1:
            raise ValueError(f"mask_probability is {self.mask_probability}, but must be in (0, 1)")
        self.optimizer()

    def optimizer(self) -> OptimizerConfig:
        """AdamW's constants."""
        return OptimizerConfig(self.betas, self.eps, self.weight_decay)


@dataclass(frozen=True)
class Places:
    """The folders a segment reads and writes."""

    tokenizer: Path
    corpus: Path
    model: Path
    state: Path
    scratch: Path


def special_tokens(tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
    """The ids that packing and masking need; special tokens are the first ids and the last one."""
    ids = [tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id]
    mask = tokenizer.mask_token_id
    first = max(*ids, tokenizer.unk_token_id) + 1
    if None in (*ids, mask) or mask != len(tokenizer) - 1:
        raise UserError("the tokenizer needs <s>, <pad>, </s> and <unk> first and <mask> last")
    return SpecialTokens(ids[0], ids[1], ids[2], mask, first)


def init_checkpoint(config: ModelConfig, seed: int, places: Places) -> None:
    """Write step 0: a model drawn from the seed, and an optimizer that has seen nothing."""
    tokenizer = open_tokenizer(places.tokenizer)
    model = build_model(config, len(tokenizer), special_tokens(tokenizer), seed)
    flat = FlatParameters(model)
    save_model(model, 0, places.tokenizer, places.model)
    zeros = torch.zeros_like(flat.values)
    save_state(Moments(0, zeros, zeros.clone()), [], places.state)


def run_segment(
    config: PretrainConfig,
    start: Places,
    end: Places,
    stop: int,
    seed: int,
    device: torch.device,
) -> None:
    """Train from the checkpoint at ``start`` to update ``stop`` and write the one at ``end``.

    Every ``save_every`` updates the state goes to scratch, under a name that hashes all it depends
    on; a segment that was killed goes on from there and ends in the same bytes. A loss that has
    diverged ends the segment before anything of its checkpoint is written.

    Raises:
        UserError: the loss has diverged, or an input is damaged or does not belong to the others.
    """
    model = open_model(start.model, device)
    special = special_tokens(open_tokenizer(start.tokenizer))
    blocks = Blocks(Corpus.open(start.corpus), config.length, special, seed)
    flat = FlatParameters(model)
    trainable = Full(flat)
    optimizer = adamw(trainable.vector, config.optimizer())
    scratch = end.scratch / f"{_identity(config, start, stop, seed)}.safetensors"
    progress = _resume(scratch, start, flat)
    with torch.no_grad():
        flat.values.copy_(progress.values)
    progress.moments.restore(optimizer, trainable.vector)
    first = progress.moments.step
    if first >= stop:
        raise UserError(f"the checkpoint in {start.model} is at update {first}, not before {stop}")

    def batches(index: int) -> list[MaskedBatch]:
        rows = [blocks.at(index * config.batch + row) for row in range(config.batch)]
        return masked_batches(
            blocks, rows, config.micro_batch, config.mask_probability, special, seed, device
        )

    rate = schedule(config.schedule, config.learning_rate, config.warmup_steps, config.total_steps)
    log = progress.log
    report = _Report(first, stop, config.batch * config.length)
    losses: list[torch.Tensor] = []
    for step in train(
        model, trainable, optimizer, rate, batches, masked_loss, seed=seed, start=first, stop=stop
    ):
        losses.append(step.loss)
        if step.done % config.log_every and step.done < stop:
            continue
        mean = _healthy(float(torch.stack(losses).mean()), step.done, special, end)
        losses.clear()
        log.append({"step": step.done, "loss": mean, "learning_rate": rate(step.done - 1)})
        report(step.done, mean)
        if step.done % config.save_every == 0 and step.done < stop:
            moments = Moments.of(optimizer, trainable.vector, step.done)
            with atomic_file(scratch) as temporary:
                Progress(flat.values, moments, log).save(temporary)
    held_out = Blocks(Corpus.open(start.corpus, "valid"), config.length, special, seed)
    valid = _healthy(
        held_out_loss(model, held_out, config, special, seed, device), stop, special, end
    )
    log.append({"step": stop, "valid_loss": valid})
    _LOG.info("update %d: held-out perplexity %.2f", stop, math.exp(valid))
    save_model(model, stop, start.tokenizer, end.model)
    save_state(Moments.of(optimizer, trainable.vector, stop), log, end.state)
    scratch.unlink(missing_ok=True)


@torch.no_grad()
def held_out_loss(
    model: RobertaForMaskedLM,
    blocks: Blocks,
    config: PretrainConfig,
    special: SpecialTokens,
    seed: int,
    device: torch.device,
) -> float:
    """Mean cross-entropy (nats) on the held-out part's first blocks, always masked the same way."""
    model.eval()
    rows = [(0, index) for index in range(min(len(blocks), _VALID_BLOCKS))]
    parts = masked_batches(
        blocks, rows, config.micro_batch, config.mask_probability, special, seed, device
    )
    return sum(float(masked_loss(model, part)) for part in parts)


def _identity(config: PretrainConfig, start: Places, stop: int, seed: int) -> str:
    """The hash of all that the segment's bytes depend on."""
    files = [start.model / "checkpoint.json", start.state / "state.json"]
    files.append(start.corpus / "manifest.json")
    recipe = {key: value for key, value in vars(config).items() if key != "save_every"}
    return fingerprint([recipe, stop, seed, [sha256(path) for path in files]])[:16]


def _resume(scratch: Path, start: Places, flat: FlatParameters) -> Progress:
    """The segment's state half-way if a whole one is in scratch, else the checkpoint's."""
    _remove_others(scratch)
    if scratch.exists():
        try:
            progress = Progress.open(scratch)
        except UserError as error:
            _LOG.warning("%s (not needed: the segment starts over)", error)
        else:
            _LOG.info("going on at update %d", progress.moments.step)
            return progress
    moments = open_state(start.state)
    made = read_json(start.model / "checkpoint.json")["step"]
    if made != moments.step:
        raise UserError(
            f"{start.state} is of update {moments.step}, but {start.model} of update {made}: "
            f"remove {start.model.parent} and run dvc repro"
        )
    return Progress(flat.values.clone(), moments, [])


def _remove_others(scratch: Path) -> None:
    """Remove what the same segment left behind under another recipe: three times the weights."""
    if scratch.parent.exists():
        for path in scratch.parent.iterdir():
            if path != scratch:
                path.unlink()


def _healthy(loss: float, step: int, special: SpecialTokens, end: Places) -> float:
    """Return the loss, unless it is so much worse than guessing that training has failed."""
    guessing = math.log(special.mask + 1)
    if loss <= _DIVERGED * guessing:  # NaN is not
        return loss
    raise UserError(
        f"the pretraining loss is {loss:.4g} at update {step}: lower "
        f"pretrain.recipe.learning_rate or lengthen pretrain.recipe.warmup_steps (guessing gives "
        f"{guessing:.3g}); checkpoints before {end.model} are kept"
    )


class _Report:
    """Says how far the segment is, not more often than every ten seconds."""

    def __init__(self, first: int, stop: int, tokens: int) -> None:
        self._first, self._stop, self._tokens = first, stop, tokens
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, loss: float) -> None:
        now = time.monotonic()
        if now - self._last < _REPORT_SECONDS and done < self._stop:
            return
        self._last = now
        rate = (done - self._first) / (now - self._start)
        _LOG.info(
            "update %d of %d: loss %.3f, perplexity %.1f, %.0f tokens/s, %.0f s left",
            done,
            self._stop,
            loss,
            math.exp(loss),
            rate * self._tokens,
            (self._stop - done) / rate,
        )
