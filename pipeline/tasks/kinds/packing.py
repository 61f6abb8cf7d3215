"""Arrays as text short enough for a line of JSON."""

from __future__ import annotations

import base64

import numpy as np


def pack_bits(values: np.ndarray) -> str:
    """Booleans (n,) as base64 of their bits, eight to a byte: 408 examples take 68 letters."""
    return base64.b64encode(np.packbits(values.astype(bool)).tobytes()).decode()


def unpack_bits(text: str, rows: int) -> np.ndarray:
    """The booleans (rows,) that `pack_bits` was given.

    Raises:
        ValueError: the text holds another number of examples.
    """
    held = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    if len(held) != -(-rows // 8):
        raise ValueError(f"{len(held)} bytes do not hold {rows} examples")
    return np.unpackbits(held)[:rows].astype(bool)


def pack_numbers(values: np.ndarray, form: str) -> str:
    """Numbers (n,) as base64 of their bytes, in NumPy's ``form``, such as ``<f4``."""
    return base64.b64encode(values.astype(form).tobytes()).decode()


def unpack_numbers(text: str, rows: int, form: str) -> np.ndarray:
    """The numbers (rows,) that `pack_numbers` was given, as precise as ``form`` keeps them.

    Raises:
        ValueError: the text holds another number of examples.
    """
    held = base64.b64decode(text, validate=True)
    if len(held) != rows * np.dtype(form).itemsize:
        raise ValueError(f"{len(held)} bytes do not hold {rows} examples")
    return np.frombuffer(held, dtype=form)
