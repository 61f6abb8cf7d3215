"""A quantised vector as a file of as few bits as can be, which nothing but itself is needed to end.

    levels − 1 (8 bits) | codebook (16 each) | counts of all levels but the last | arithmetic code

d is known to who reads it, since the table of candidates says it. No file is the beginning of
another one, and its bits, those that fill its last byte included, are what a bound counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch

from pipeline.certificates import arithmetic
from pipeline.errors import UserError
from pipeline.subspace.quantise import Quantised

_LEVELS_BITS, _NUMBER_BITS = 8, 16


def encode(vector: Quantised) -> bytes:
    """The file of a vector (d,), whose levels are ascending and each taken by some number."""
    codes = vector.codes.numpy().astype(np.int64)
    counts = np.bincount(codes, minlength=len(vector.codebook)).tolist()
    width = len(codes).bit_length()
    bits = _binary(len(counts) - 1, _LEVELS_BITS)
    for number in vector.codebook.numpy().view(np.uint16).tolist():
        bits += _binary(number, _NUMBER_BITS)
    for count in counts[:-1]:
        bits += _binary(count, width)
    bits += arithmetic.encode(codes.tolist(), counts)
    return np.packbits(np.array(bits, dtype=np.uint8)).tobytes()


def decode(content: bytes, d: int) -> Quantised:
    """The vector (d,) that a file stands for.

    Raises:
        UserError: no vector of d numbers has this file.
    """
    bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8)).tolist()
    try:
        vector = _vector(bits, d)
        whole = encode(vector) == content
    except (ValueError, IndexError) as error:
        raise UserError(f"the code is damaged: {error}") from None
    if not whole:
        raise UserError(f"the code is damaged: no vector of {d} numbers is written like this")
    return vector


def _vector(bits: Sequence[int], d: int) -> Quantised:
    places = iter(bits)
    levels = _number(places, _LEVELS_BITS) + 1
    codebook = np.array([_number(places, _NUMBER_BITS) for _ in range(levels)], dtype=np.uint16)
    values = codebook.view(np.float16)
    if not np.isfinite(values).all() or not (np.diff(values.astype(np.float64)) > 0).all():
        raise ValueError("its levels are not finite and ascending")
    counts = [_number(places, d.bit_length()) for _ in range(levels - 1)]
    counts.append(d - sum(counts))
    if min(counts) < 1:
        raise ValueError(f"its levels do not share {d} numbers")
    codes = arithmetic.decode(list(places), counts)
    return Quantised(torch.tensor(codes, dtype=torch.uint8), torch.from_numpy(values.copy()))


def _binary(number: int, width: int) -> list[int]:
    """A number's bits, the highest first."""
    return [number >> place & 1 for place in reversed(range(width))]


def _number(bits: Iterator[int], width: int) -> int:
    taken = list(islice(bits, width))
    if len(taken) < width:
        raise ValueError("it ends too early")
    return int("".join(map(str, taken)), 2)
