"""Which evaluation examples a model had right, as text short enough for a line of JSON."""

from __future__ import annotations

import base64

import numpy as np


def pack(correct: np.ndarray) -> str:
    """Booleans (n,) as base64 of their bits, eight to a byte: 408 examples take 68 letters."""
    return base64.b64encode(np.packbits(correct.astype(bool)).tobytes()).decode()


def unpack(text: str, rows: int) -> np.ndarray:
    """The booleans (rows,) that `pack` was given.

    Raises:
        ValueError: the text holds another number of examples.
    """
    held = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    if len(held) != -(-rows // 8):
        raise ValueError(f"{len(held)} bytes do not hold {rows} examples")
    return np.unpackbits(held)[:rows].astype(bool)
