"""Files of quantised vectors: nothing is lost, nothing is wasted, and damage is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.certificates import arithmetic
from pipeline.certificates.code import decode, encode
from pipeline.errors import UserError
from pipeline.subspace.quantise import Quantised, quantise


@st.composite
def vectors(draw: st.DrawFn) -> Quantised:
    levels = draw(st.sets(st.floats(-60_000, 60_000, width=16), min_size=1, max_size=9))
    codebook = torch.tensor(sorted(levels), dtype=torch.float16).unique()
    count = len(codebook)
    more = draw(st.lists(st.integers(0, count - 1), max_size=60))
    codes = draw(st.permutations([*range(count), *more]))
    return Quantised(torch.tensor(codes, dtype=torch.uint8), codebook)


@given(vectors())
def test_what_is_decoded_is_what_was_encoded(vector: Quantised) -> None:
    again = decode(encode(vector), len(vector.codes))
    assert torch.equal(again.codes, vector.codes)
    assert torch.equal(again.codebook, vector.codebook)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80))
def test_the_code_is_within_two_bits_of_what_the_counts_leave_to_say(symbols: list[int]) -> None:
    counts = np.bincount(symbols, minlength=5).tolist()
    orders = math.lgamma(len(symbols) + 1) - sum(math.lgamma(count + 1) for count in counts)
    assert len(arithmetic.encode(symbols, counts)) <= orders / math.log(2) + 2 + 1e-6


@given(vectors())
def test_no_file_is_the_beginning_of_another(vector: Quantised) -> None:
    """So what follows a file is refused, and so is a file without its end."""
    content, d = encode(vector), len(vector.codes)
    for other in (content + b"\0", content + b"\x80", content[:-1]):
        with pytest.raises(UserError, match="the code is damaged"):
            decode(other, d)


def test_another_d_is_refused() -> None:
    content = encode(quantise(torch.linspace(-1, 1, 50), 3))
    for d in (1, 20, 49, 51, 200):
        with pytest.raises(UserError, match="the code is damaged"):
            decode(content, d)


def test_a_large_vector_takes_its_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    vector = quantise(torch.randn(20_000, generator=generator), 3)
    share = np.bincount(vector.codes.numpy()) / 20_000
    entropy = -20_000 * float((share * np.log2(share)).sum())
    content = encode(vector)
    assert entropy - 40 < 8 * len(content) < entropy + 8 + 3 * 16 + 2 * 15 + 10
    assert torch.equal(decode(content, 20_000).codes, vector.codes)
