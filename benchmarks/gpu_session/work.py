"""How large everything is that a session measures."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.pretraining.packing import SpecialTokens
from pipeline.pretraining.recipe import ModelConfig
from pipeline.training.cost import EncoderSize


@dataclass(frozen=True)
class Work:
    """One size of everything.

    Attributes:
        model: the encoder's sizes.
        vocabulary: its words.
        dims: the d at which the projection is checked and timed, ``step_dims`` whole steps.
        decoders: parameters of those whose steps are measured.
        batch: rows of a fine-tuning step, ``length`` their tokens.
        block: tokens of a pretraining row, of which ``micro_batch`` are computed at a time, and
            ``micro_batches`` of these make an update.
        train_rows: of the cell, as ``eval_rows``; it is fine-tuned for ``epochs``.
        repeats: of which a time is the median.
    """

    model: ModelConfig
    vocabulary: int
    dims: tuple[int, ...]
    step_dims: tuple[int, ...]
    decoders: tuple[float, ...]
    batch: int
    length: int
    block: int
    micro_batch: int
    micro_batches: int
    train_rows: int
    eval_rows: int
    epochs: int
    repeats: int

    def size(self) -> EncoderSize:
        """The sizes that parameters and FLOP are counted from."""
        model = self.model
        return EncoderSize(
            model.layers, model.width, model.feed_forward, self.vocabulary, model.positions
        )

    def special(self) -> SpecialTokens:
        """RoBERTa's special tokens."""
        return SpecialTokens(0, 1, 2, self.vocabulary - 1, 4)


# RoBERTa-Base, pretrained as the paper does, and SST-2.
BASE = Work(
    ModelConfig(), 50_265,
    dims=(1000, 1_000_000, 100, 4096, 16_384, 65_536, 262_144, 4_000_000),
    step_dims=(1000, 1_000_000, 16_384),
    decoders=(1.3e9, 2.8e9),
    batch=32, length=128, block=512, micro_batch=64, micro_batches=4,
    train_rows=67_349, eval_rows=872, epochs=10, repeats=10,
)  # fmt: skip
TINY = Work(
    ModelConfig(1, 32, 2, 64, 64), 500,
    dims=(100, 5000), step_dims=(100,), decoders=(1e5,),
    batch=2, length=8, block=64, micro_batch=4, micro_batches=2,
    train_rows=24, eval_rows=8, epochs=2, repeats=1,
)  # fmt: skip
