"""Texts of a task as token ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.tasks.rows import Rows
from pipeline.tokens.tokenizer import spaced

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Encoded:
    """Token ids a row, with special tokens; their segments where any is not 0; rows cut."""

    ids: list[np.ndarray]
    types: list[np.ndarray] | None
    truncated: int


@dataclass(frozen=True)
class Encoding:
    """How texts become token ids.

    Attributes:
        encoder: the bare tokenizer.
        max_length: of a row in tokens.
        leading_space: whether texts are encoded as they look inside running text.
        segments: whether the tokenizer tells which of two texts a token belongs to.
    """

    encoder: Tokenizer
    max_length: int
    leading_space: bool
    segments: bool

    def encode(self, rows: Rows) -> Encoded:
        """Encode a split; of rows that are too long the longer text is cut first."""
        change = spaced if self.leading_space else str
        texts = [
            change(first) if second is None else (change(first), change(second))
            for first, second in zip(rows.text_a, rows.text_b, strict=True)
        ]
        ids: list[np.ndarray] = []
        types: list[np.ndarray] = []
        truncated = 0
        for start in range(0, len(texts), _BATCH_ROWS):
            batch = texts[start : start + _BATCH_ROWS]
            # The uncut lengths are wanted too, and only then is it known which rows need cutting.
            whole = self.encoder.encode_batch_fast(batch)
            long = [index for index, row in enumerate(whole) if len(row) > self.max_length]
            self.encoder.enable_truncation(self.max_length)
            shorter = self.encoder.encode_batch_fast([batch[index] for index in long])
            for index, row in zip(long, shorter, strict=True):
                whole[index] = row
            self.encoder.no_truncation()
            ids += [np.asarray(row.ids, dtype=np.int32) for row in whole]
            types += [np.asarray(row.type_ids, dtype=np.int8) for row in whole]
            truncated += len(long)
        used = self.segments and any(row.any() for row in types)
        return Encoded(ids, types if used else None, truncated)
