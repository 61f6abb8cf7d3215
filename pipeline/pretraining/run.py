"""A segment of pretraining: from one checkpoint to the next, resumable anywhere in between."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pipeline.common.artifacts import atomic_file, fingerprint, remove_others
from pipeline.common.code import code_hash
from pipeline.common.sealed import hash_of, read_sealed
from pipeline.errors import UserError
from pipeline.pretraining.ahead import Ahead
from pipeline.pretraining.checkpoints import (
    Halfway,
    open_model,
    open_state,
    save_model,
    save_state,
)
from pipeline.pretraining.halves import Halves
from pipeline.pretraining.masking import MaskedBatch, masked_batches
from pipeline.pretraining.mlm import compiled_loss, masked_loss
from pipeline.pretraining.packing import Blocks, SpecialTokens, special_tokens
from pipeline.pretraining.places import Places
from pipeline.pretraining.recipe import PretrainConfig
from pipeline.pretraining.watch import Progress, Window, healthy
from pipeline.tokens.corpus import Corpus
from pipeline.tokens.tokenizer import open_tokenizer
from pipeline.training.cost import EncoderSize
from pipeline.training.device import product_rate
from pipeline.training.distributed import ALONE, Ranks
from pipeline.training.loop import train
from pipeline.training.optimizer_state import OptimizerState
from pipeline.training.optimizers import Optimizer, make_optimizer
from pipeline.training.parameters import FlatParameters, Full
from pipeline.training.schedules import decayed, schedule
from pipeline.training.stack import stack

if TYPE_CHECKING:
    from transformers import RobertaForMaskedLM

_LOG = logging.getLogger(__name__)
_VALID_BLOCKS = 256
# The packages whose code decides a segment.
_CODE = ("common", "pretraining", "tokens", "training")


def run_segment(
    config: PretrainConfig,
    start: Places,
    end: Places,
    *,
    stop: int,
    seed: int,
    device: torch.device,
    decay: bool = False,
    ranks: Ranks = ALONE,
) -> None:
    """Train from the checkpoint at ``start`` to update ``stop`` and write the one at ``end``.

    Every ``save_every`` updates the state goes to scratch, under a name that hashes all it depends
    on; a segment that was killed goes on from there and ends in the same bytes. A loss that has
    diverged ends the segment before anything of its checkpoint is written.

    Args:
        config: the recipe.
        start: the checkpoint to go on from.
        end: where the new one goes.
        stop: updates done at its end, counted from the beginning of the first segment.
        seed: data order, masks and dropout come from it.
        device: where to compute.
        decay: bring the learning rate down to 0 in a straight line over the segment.
        ranks: the processes that share each update; the first of them writes.

    Raises:
        UserError: the loss has diverged, an input is damaged or does not belong to the others, or
            there is no GPU for CUDA graphs.
    """
    if config.cuda_graphs and device.type != "cuda":
        raise UserError(
            f"pretrain.recipe.cuda_graphs is true, but {device.type} has none: set it to false"
        )
    model = open_model(start.model, device)
    special = special_tokens(open_tokenizer(start.tokenizer))
    segment = _Segment(config, special, stop, seed, device, ranks, f"before {end.model}")
    flat = FlatParameters(model)
    scratch = end.scratch / f"{_identity(segment, start, decay)}.safetensors"
    state = _resume(scratch, start, flat, stop=stop, optimizer=config.optimizer)
    _see_together(state.optimizer.step, ranks, device)
    rate = schedule(config.schedule, config.learning_rate, config.warmup_steps, config.total_steps)
    if decay:
        rate = decayed(rate, read_sealed(start.model / "checkpoint.json")["step"], stop)
    blocks = Blocks(Corpus.open(start.corpus), config.length, special, seed)
    done, log = segment.train(model, flat, state, rate, blocks, scratch)
    held_out = Blocks(Corpus.open(start.corpus, "valid"), config.length, special, seed)
    valid = held_out_loss(model, held_out, config, special, seed, device)
    log.append({"step": stop, "valid_loss": segment.healthy(valid, stop)})
    _LOG.info("update %d: held-out perplexity %.2f", stop, math.exp(valid))
    if ranks.first:
        save_model(model, stop, start.tokenizer, end.model)
        save_state(done, log, end.state)
        scratch.unlink(missing_ok=True)
    ranks.wait()


@dataclass(frozen=True)
class _Segment:
    """What stays the same from update to update."""

    config: PretrainConfig
    special: SpecialTokens
    stop: int
    seed: int
    device: torch.device
    ranks: Ranks
    kept: str

    def train(
        self,
        model: RobertaForMaskedLM,
        flat: FlatParameters,
        state: Halfway,
        rate: Callable[[int], float],
        blocks: Blocks,
        scratch: Path,
    ) -> tuple[OptimizerState, list[dict[str, Any]]]:
        """Go on from ``state`` to ``stop``; return the optimizer's moments and the log."""
        config, log, first = self.config, state.log, state.optimizer.step
        full = config.precision != "bf16_weights"
        trainable = Full(flat) if full else Halves(model, flat)
        computing = trainable.model if isinstance(trainable, Halves) else model
        optimizer = make_optimizer(trainable.vector, config.optimizer)
        state.optimizer.restore(optimizer, trainable.vector)
        report, window = self._progress(model, first), Window()
        with Ahead(lambda index: self._batches(blocks, index), first, self.stop) as batches:
            for step in train(
                computing, trainable, optimizer, rate, batches, self._loss(),
                seed=self.seed, start=first, stop=self.stop, ranks=self.ranks,
            ):  # fmt: skip
                window.add(step.loss, flat.grads)
                if step.done % config.log_every and step.done < self.stop:
                    continue
                row = window.row(step.done, rate(step.done - 1), log[-1] if log else None)
                self.healthy(row["loss"], step.done)
                log.append(row)
                report(row)
                if step.done % config.save_every == 0 and step.done < self.stop:
                    held = OptimizerState.of(optimizer, trainable.vector, step.done)
                    self._save(Halfway(flat.values, held, log), scratch)
        return OptimizerState.of(optimizer, trainable.vector, self.stop), log

    def healthy(self, loss: float, step: int) -> float:
        """Return the loss if training has not failed."""
        guessing = math.log(self.special.mask + 1)
        return healthy(loss, step, guessing, f"checkpoints {self.kept} are kept")

    def _batches(self, blocks: Blocks, index: int) -> list[MaskedBatch]:
        config = self.config
        places = range(index * config.batch, (index + 1) * config.batch)
        return masked_batches(
            blocks, [blocks.at(place) for place in places], config.micro_batch,
            config.mask_probability, self.special, self.seed, self.device, self.ranks,
        )  # fmt: skip

    def _loss(self) -> Callable[[Any, MaskedBatch], torch.Tensor]:
        config = self.config
        summed = compiled_loss(config.cuda_graphs) if config.compile else None

        def loss(model: Any, batch: MaskedBatch) -> torch.Tensor:
            enabled = config.precision == "bf16"
            with torch.autocast(self.device.type, torch.bfloat16, enabled=enabled):
                return masked_loss(model, batch, summed)

        return loss

    def _progress(self, model: RobertaForMaskedLM, first: int) -> Progress:
        config, sizes = self.config, model.config
        size = EncoderSize(
            sizes.num_hidden_layers, sizes.hidden_size, sizes.intermediate_size, sizes.vocab_size,
            sizes.max_position_embeddings,
        )  # fmt: skip
        dtype = torch.float32 if config.precision == "fp32" else torch.bfloat16
        return Progress(
            first,
            self.stop,
            config.batch * config.length,
            size.training_flop(config.length, config.mask_probability),
            product_rate(self.device, dtype) * self.ranks.count,
        )

    def _save(self, state: Halfway, scratch: Path) -> None:
        if self.ranks.first:
            with atomic_file(scratch) as temporary:
                state.save(temporary)


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


def _identity(segment: _Segment, start: Places, decay: bool) -> str:
    """The hash of all that the segment's bytes depend on."""
    files = [start.model / "checkpoint.json", start.state / "state.json"]
    files.append(start.corpus / "manifest.json")
    recipe = {key: value for key, value in asdict(segment.config).items() if key != "save_every"}
    hashes = [code_hash(*_CODE), *map(hash_of, files)]
    machine = [stack(segment.device), segment.ranks.count]
    return fingerprint([recipe, segment.stop, segment.seed, decay, hashes, machine])[:16]


def _resume(
    scratch: Path, start: Places, flat: FlatParameters, *, stop: int, optimizer: Optimizer
) -> Halfway:
    """Where to go on: half-way, if a whole state is in scratch, else at the checkpoint.

    Its values are in the model when this returns.
    """
    remove_others(scratch)
    if scratch.exists():
        try:
            halfway = Halfway.open(scratch)
        except UserError as error:
            _LOG.warning("%s (not needed: the segment starts over)", error)
        else:
            _LOG.info("going on at update %d", halfway.optimizer.step)
            with torch.no_grad():
                flat.values.copy_(halfway.values)
            return halfway
    state = open_state(start.state)
    _check_start(start, state, stop, optimizer)
    return Halfway(flat.values, state, [])


def _see_together(step: int, ranks: Ranks, device: torch.device) -> None:
    """Refuse processes that go on from different updates, as on nodes that see different files.

    Their gradients would be of different batches and weights, and their sum of nothing.
    """
    steps = torch.zeros(ranks.count, dtype=torch.int64, device=device)
    steps[ranks.rank] = step
    ranks.sum(steps)
    if len(found := set(steps.tolist())) > 1:
        raise UserError(
            f"processes that train together found different states to go on from (of updates "
            f"{', '.join(map(str, sorted(found)))}), as one node does not see yet what another "
            "wrote: run it again"
        )


def _check_start(start: Places, state: OptimizerState, stop: int, optimizer: Optimizer) -> None:
    """Refuse a checkpoint whose state is of another update or optimizer, or that is not before."""
    again = f"remove {start.model.parent} and run dvc repro"
    made = read_sealed(start.model / "checkpoint.json")["step"]
    if made != state.step:
        raise UserError(
            f"{start.state} is of update {state.step}, but {start.model} of update {made}: {again}"
        )
    if made >= stop:
        raise UserError(f"the checkpoint in {start.model} is at update {made}, not before {stop}")
    if set(state.vectors) != set(optimizer.state_names()):
        raise UserError(
            f"{start.state} holds {_listed(state.vectors)}, but pretrain.recipe.optimizer "
            f"{optimizer.name} goes on from {_listed(optimizer.state_names())}: {again}"
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
