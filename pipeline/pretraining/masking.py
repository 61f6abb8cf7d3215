"""Dynamic masking as fairseq does it: another mask each time a block comes round.

⌊p·n + u⌋ positions of a block of n tokens, u uniform, are to be predicted; of these 80 % become
``<mask>``, 10 % a random token that is not special, 10 % stay. Any position may be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.common.seeds import numpy_generator
from pipeline.pretraining.packing import Blocks, SpecialTokens
from pipeline.training.distributed import ALONE, Ranks

IGNORE = -100
_RANDOM_OR_KEPT, _RANDOM_SHARE = 0.2, 0.5


@dataclass(frozen=True)
class MaskedBatch:
    """Rows of masked blocks, with slots of a fixed number a row for the masked positions.

    ``input_ids`` and ``attention_mask`` are (rows, length), the mask None where no row is padded;
    ``positions`` and ``labels`` are (rows, slots), unused slots with position 0 and label −100.
    ``count`` is what the loss's sum is divided by: the masked positions of the whole update, other
    micro-batches included.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor | None
    positions: torch.Tensor
    labels: torch.Tensor
    count: int


def mask_block(
    block: np.ndarray, probability: float, special: SpecialTokens, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the masked block and the positions to be predicted, in increasing order."""
    count = int(probability * len(block) + generator.random())
    positions = np.sort(generator.choice(len(block), count, replace=False))
    draw = generator.random(count)
    replaced = np.full(count, special.mask)
    other = draw < _RANDOM_OR_KEPT
    random = draw < _RANDOM_OR_KEPT * _RANDOM_SHARE
    replaced[other] = block[positions[other]]
    # Special ids are the first ones and <mask>, the last: the range between them is text.
    replaced[random] = generator.integers(special.count, special.mask, int(random.sum()))
    masked = block.copy()
    masked[positions] = replaced
    return masked, positions


def masked_batches(
    blocks: Blocks,
    rows: Sequence[tuple[int, int]],
    micro: int,
    probability: float,
    special: SpecialTokens,
    seed: int,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> list[MaskedBatch]:
    """Mask the (epoch, block) rows of an update and cut them into micro-batches.

    A row's mask comes from (seed, epoch, block). Of several processes each gets its share of the
    rows, divided by the count of all.
    """
    everyone, rows = rows, ranks.share(rows)
    slots = int(probability * blocks.length) + 1
    shape = (len(rows), blocks.length)
    ids = np.full(shape, special.pad, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    positions = np.zeros((len(rows), slots), dtype=np.int64)
    labels = np.full((len(rows), slots), IGNORE, dtype=np.int64)
    for row, (epoch, index) in enumerate(rows):
        block = blocks[index]
        generator = numpy_generator(seed, "mask", epoch, index)
        masked, chosen = mask_block(block, probability, special, generator)
        ids[row, : len(block)] = masked
        attention[row, : len(block)] = 1
        positions[row, : len(chosen)] = chosen
        labels[row, : len(chosen)] = block[chosen]
    count = int((labels != IGNORE).sum())
    if ranks.count > 1:
        count = sum(_masked(blocks, row, probability, seed) for row in everyone)
    cuts = [slice(first, first + micro) for first in range(0, len(rows), micro)]
    return [
        MaskedBatch(
            _onto(device, ids[cut]),
            None if attention[cut].all() else _onto(device, attention[cut]),
            _onto(device, positions[cut]),
            _onto(device, labels[cut]),
            count,
        )
        for cut in cuts
    ]


def _masked(blocks: Blocks, row: tuple[int, int], probability: float, seed: int) -> int:
    """How many positions `mask_block` will choose in a row, from the same first draw."""
    epoch, index = row
    draw = numpy_generator(seed, "mask", epoch, index).random()
    return int(probability * len(blocks[index]) + draw)


def _onto(device: torch.device, array: np.ndarray) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        # From pinned memory the copy runs beside the computation.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor
