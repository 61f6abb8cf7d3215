"""The Walsh–Hadamard transform as a few matrix products with small Hadamard matrices.

H_{ab} = H_a ⊗ H_b, so a transform of length n = f₁ f₂ … is one small product along each axis of the
input seen as an (f₁, f₂, …) array: fewer passes over memory than butterflies, each at the speed of
matrix multiplication.
"""

from __future__ import annotations

from functools import lru_cache

import torch

# Products with matrices of 16 to 32 rows take least: smaller ones pass over memory more often,
# larger ones have more operations (measured on AVX2 and AVX-512).
_LEAST_BITS, _MOST_BITS = 4, 5


def walsh_hadamard(x: torch.Tensor) -> torch.Tensor:
    """Multiply by H_n along the last axis; (rows, n) with n a power of two, not normalised.

    H is symmetric with entries ±1 in Sylvester's order, so the transform is its own adjoint and
    applying it twice multiplies by n.
    """
    rows, n = x.shape
    stride = n
    for factor in _factors(n):
        stride //= factor
        matrix = _hadamard(factor, x.dtype, x.device)
        if stride == 1:
            x = x.reshape(-1, factor) @ matrix
        else:
            x = matrix @ x.reshape(-1, factor, stride)
    return x.reshape(rows, n)


def _factors(n: int) -> list[int]:
    """Split n = 2^k into factors of 16 to 32; small n stay whole, 2^11 becomes 64 · 32."""
    exponent = n.bit_length() - 1
    assert n == 1 << exponent, f"{n} is not a power of two"
    count = max(1, min(-(-exponent // _MOST_BITS), exponent // _LEAST_BITS))
    return [1 << (exponent // count + (index < exponent % count)) for index in range(count)]


@lru_cache(maxsize=64)
def _hadamard(n: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    matrix = torch.ones(1, 1, dtype=dtype, device=device)
    step = torch.tensor([[1, 1], [1, -1]], dtype=dtype, device=device)
    while len(matrix) < n:
        matrix = torch.kron(step, matrix)
    return matrix
