from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from pipeline.subspace.hadamard import walsh_hadamard
from tests.subspace.contract import gaussian


@given(st.integers(0, 12), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_transform_equals_the_sylvester_matrix(exponent: int, rows: int) -> None:
    n = 1 << exponent
    matrix = torch.from_numpy(hadamard(n)).double()
    x = gaussian(rows, n)
    torch.testing.assert_close(walsh_hadamard(x), x @ matrix, rtol=1e-11, atol=1e-9)


def test_transform_of_a_long_vector_is_its_own_inverse() -> None:
    x = gaussian(1, 1 << 16)
    torch.testing.assert_close(walsh_hadamard(walsh_hadamard(x)) / (1 << 16), x)
