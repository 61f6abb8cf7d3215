"""The most memory that a training takes, from sizes alone: nothing is run or loaded.

Legend: D parameters, b bytes of one, V words; L blocks of width w, f wide in between; T tokens of
the largest batch; e bytes of an activation.

- Weights: b·D for the model's own and for θ₀; full fine-tuning keeps those of its best evaluation
  too. Autocast keeps a copy of the blocks' in two bytes.
- Gradient: b·(D + V·w): all of it, and the word table's once more while it is added.
- Optimizer: its state for what is trained, all D or d numbers, in float32. With a subspace the d
  numbers are here too, with their gradient and those of the best evaluation, and the permutation
  and signs that Fastfood spreads them by: 16 bytes an entry of a block, the next power of two.
- Activations: a block keeps e·T·(16w + 2f) for the backward pass, and as much again is in flight.
  That is Korthikanti et al. 2022 (34 bytes a token and unit of width at e = 2 and f = 4w, without
  attention's own matrices, which fused kernels do not keep), and what norms keep in float32. Where
  activations are computed anew a block keeps e·T·2w, its input and what is around it, and one block
  at a time is whole. An evaluation has four times the tokens and no more than e·4T·(8w + 3f), what
  lives inside a block; whichever is more counts.

The float32 model that is loaded before a training begins takes less than all this, or about as
much. On a CPU activations take more, in float32 more than twice as much: oneDNN has its own copies.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.training.cost import EncoderSize
from pipeline.training.optimizers import Optimizer
from pipeline.training.precision import Precision

# Bytes of a weight, and of an activation on average: under autocast norms and sums are in float32.
_WEIGHT: dict[Precision, int] = {"fp32": 4, "bf16": 4, "bf16_weights": 2}
_ACTIVATION: dict[Precision, float] = {"fp32": 4, "bf16": 2.5, "bf16_weights": 2}
_NUMBER = 4  # bytes of what an optimizer moves
# Of σ in int64, and of B and a block's places in four bytes each (`pipeline.subspace`).
_SPREAD = 16
# torch and transformers themselves; on a GPU, CUDA's own.
_PROCESS = 0.6e9


@dataclass(frozen=True)
class Held:
    """Bytes that a training holds at most, by what they are for."""

    weights: float
    gradient: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """All of it, and the process's own."""
        return self.weights + self.gradient + self.optimizer + self.activations + _PROCESS


@dataclass(frozen=True)
class TrainingMemory:
    """What decides a training's memory.

    Attributes:
        encoder: the model's sizes.
        parameters: D.
        precision: how it computes.
        recompute: whether activations are computed anew.
        tokens: T.
    """

    encoder: EncoderSize
    parameters: int
    precision: Precision
    recompute: bool
    tokens: int

    def subspace(self, d: int, optimizer: Optimizer, *, on_cpu: bool = False) -> Held:
        """Of a training of d numbers: whatever d is, no optimizer's state is as large as the model.

        Args:
            d: how many numbers are trained.
            optimizer: what moves them.
            on_cpu: where Fastfood keeps two bytes a weight, and fused kernels on a GPU nothing.
        """
        copies = 2 * _WEIGHT[self.precision] + (2 if on_cpu else 0)
        spread = _SPREAD << (d - 1).bit_length()
        return self._held(copies, _NUMBER * d * (3 + len(optimizer.state_names())) + spread)

    def full(self, optimizer: Optimizer) -> Held:
        """Of full fine-tuning."""
        state = _NUMBER * self.parameters * len(optimizer.state_names())
        return self._held(3 * _WEIGHT[self.precision], state)

    def _held(self, copies: int, optimizer: float) -> Held:
        """The whole, given the bytes of all copies of a weight and the optimizer's."""
        size, weights = self.encoder, copies * self.parameters
        if self.precision == "bf16":
            weights += 2 * size.body_parameters()
        moved = self.parameters + size.vocabulary * size.width
        return Held(weights, _WEIGHT[self.precision] * moved, optimizer, self._activations())

    def kept(self) -> float:
        """Bytes of activations that wait for the backward pass."""
        width = self.encoder.width
        return self.encoder.layers * self._bytes(2 * width if self.recompute else self._block())

    def _activations(self) -> float:
        size, blocks = self.encoder, 2 if self.recompute else 1
        trained = self.kept() + blocks * self._bytes(self._block())
        return max(trained, 4 * self._bytes(8 * size.width + 3 * size.feed_forward))

    def _block(self) -> int:
        """What a block keeps of a token, in numbers."""
        return 16 * self.encoder.width + 2 * self.encoder.feed_forward

    def _bytes(self, numbers: float) -> float:
        """Of so many numbers a token."""
        return _ACTIVATION[self.precision] * self.tokens * numbers
