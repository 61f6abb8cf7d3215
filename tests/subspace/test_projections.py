"""One contract for every projection, and proof that the contract notices the known faults."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.subspace.dense import DenseGaussian
from pipeline.subspace.fastfood import Fastfood
from pipeline.subspace.hadamard import walsh_hadamard
from pipeline.subspace.projection import Projection

Make = Callable[[int, int, int], Projection]

FAMILIES: dict[str, Make] = {
    f"{name}-{normalisation}": make
    for normalisation in ("entry", "column")
    for name, make in {
        "fastfood": lambda d, size, seed, n=normalisation: Fastfood(d, size, seed, n),
        "rademacher": lambda d, size, seed, n=normalisation: Fastfood(
            d, size, seed, n, "rademacher"
        ),
        "dense": lambda d, size, seed, n=normalisation: DenseGaussian(d, size, seed, n),
    }.items()
}
SHAPES = [(1, 1), (1, 7), (3, 40), (64, 65), (129, 777), (200, 201)]


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def apply(projection: Projection, theta: torch.Tensor) -> torch.Tensor:
    out = torch.full((projection.size,), math.nan, dtype=theta.dtype)
    projection.forward(theta, out)
    return out


def pull(projection: Projection, gradient: torch.Tensor) -> torch.Tensor:
    out = torch.full((projection.d,), math.nan, dtype=gradient.dtype)
    projection.adjoint(gradient, out)
    return out


def adjointness_error(projection: Projection) -> float:
    """|⟨Px, y⟩ − ⟨x, Pᵀy⟩| relative to |Px|·|y|."""
    x, y = gaussian(projection.d, seed=1), gaussian(projection.size, seed=2)
    image = apply(projection, x)
    difference = torch.dot(image, y) - torch.dot(x, pull(projection, y))
    return float(difference.abs() / (image.norm() * y.norm()))


def null_columns(projection: Projection) -> int:
    """Coordinates of θ^d that move nothing: none, unless θ^d is cropped."""
    return int((projection.dense().norm(dim=0) == 0).sum())


@pytest.mark.parametrize(("d", "size"), SHAPES)
@pytest.mark.parametrize("family", FAMILIES)
class TestContract:
    def test_adjoint_is_exact(self, family: str, d: int, size: int) -> None:
        assert adjointness_error(FAMILIES[family](d, size, 0)) < 1e-12

    def test_forward_is_linear(self, family: str, d: int, size: int) -> None:
        projection = FAMILIES[family](d, size, 0)
        x, y = gaussian(d, seed=1), gaussian(d, seed=2)
        together = apply(projection, 2.5 * x - y)
        apart = 2.5 * apply(projection, x) - apply(projection, y)
        torch.testing.assert_close(together, apart, rtol=1e-11, atol=1e-11)

    def test_equals_its_dense_matrix(self, family: str, d: int, size: int) -> None:
        projection = FAMILIES[family](d, size, 0)
        matrix, x, y = projection.dense(), gaussian(d), gaussian(size)
        torch.testing.assert_close(apply(projection, x), matrix @ x, rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(pull(projection, y), matrix.T @ y, rtol=1e-11, atol=1e-11)

    def test_every_coordinate_counts(self, family: str, d: int, size: int) -> None:
        assert null_columns(FAMILIES[family](d, size, 0)) == 0

    def test_seed_decides_everything(self, family: str, d: int, size: int) -> None:
        x = gaussian(d)
        torch.manual_seed(1)
        first = apply(FAMILIES[family](d, size, 0), x)
        torch.manual_seed(2)
        torch.randn(5)
        assert torch.equal(first, apply(FAMILIES[family](d, size, 0), x))
        if size > 7:
            assert not torch.equal(first, apply(FAMILIES[family](d, size, 1), x))

    def test_the_global_generator_is_left_alone(self, family: str, d: int, size: int) -> None:
        before = torch.get_rng_state()
        projection = FAMILIES[family](d, size, 0)
        pull(projection, apply(projection, gaussian(d)))
        assert torch.equal(before, torch.get_rng_state())


class PublicBackward(Fastfood):
    """The fault of the public code: each transform's backward is divided by √n."""

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        super().adjoint(gradient, out)
        out.div_(self._n)


class Cropping(Fastfood):
    """The fault of the public code: what does not fit into a small tensor's transform is dropped."""

    def forward(self, theta: torch.Tensor, out: torch.Tensor) -> None:
        kept = torch.cat([theta[: self.d // 2], torch.zeros_like(theta[self.d // 2 :])])
        super().forward(kept, out)


class GlobalGenerator(Fastfood):
    """The fault of the public code: factors from the global generator."""

    def forward(self, theta: torch.Tensor, out: torch.Tensor) -> None:
        out.copy_(torch.randn(self.size, self.d, dtype=theta.dtype) @ theta)


def test_the_contract_notices_the_public_backward() -> None:
    assert adjointness_error(PublicBackward(100, 1000, 0, "entry")) > 1e-3


def test_the_contract_notices_cropping() -> None:
    assert null_columns(Cropping(100, 1000, 0, "entry")) == 50


def test_the_contract_notices_the_global_generator() -> None:
    projection, x = GlobalGenerator(10, 100, 0, "entry"), gaussian(10)
    before = torch.get_rng_state()
    assert not torch.equal(apply(projection, x), apply(projection, x))
    assert not torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", ["fastfood", "rademacher", "dense"])
@pytest.mark.parametrize("d", [50, 400])
def test_entry_normalisation_carries_the_rms_over(name: str, d: int) -> None:
    theta = gaussian(d)
    ratios = [
        float(apply(FAMILIES[f"{name}-entry"](d, 4000, seed), theta).square().mean().sqrt())
        / float(theta.square().mean().sqrt())
        for seed in range(20)
    ]
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", ["fastfood", "rademacher", "dense"])
@pytest.mark.parametrize("d", [50, 400])
def test_column_normalisation_keeps_lengths(name: str, d: int) -> None:
    theta = gaussian(d)
    ratios = [
        float(apply(FAMILIES[f"{name}-column"](d, 4000, seed), theta).norm() / theta.norm())
        for seed in range(20)
    ]
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=0.05)


def test_columns_are_nearly_orthogonal() -> None:
    matrix = Fastfood(256, 20_000, 0, "column").dense()
    gram = matrix.T @ matrix
    off = gram - torch.diag(gram.diagonal())
    # Independent columns of length D would have an rms of 1/√D = 0.007.
    assert float(off.square().mean().sqrt()) < 0.012


@given(st.integers(0, 12), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_transform_equals_the_sylvester_matrix(exponent: int, rows: int) -> None:
    from scipy.linalg import hadamard

    n = 1 << exponent
    matrix = torch.from_numpy(hadamard(n)).double()
    x = gaussian(rows, n)
    torch.testing.assert_close(walsh_hadamard(x), x @ matrix, rtol=1e-11, atol=1e-9)


def test_transform_of_a_long_vector_is_its_own_inverse() -> None:
    x = gaussian(1, 1 << 16)
    torch.testing.assert_close(walsh_hadamard(walsh_hadamard(x)) / (1 << 16), x)


def test_uncached_factors_are_the_cached_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    x = gaussian(33)
    cached = apply(Fastfood(33, 5000, 0, "entry"), x)
    monkeypatch.setattr("pipeline.subspace.fastfood._CACHE_BYTES", 0)
    assert torch.equal(cached, apply(Fastfood(33, 5000, 0, "entry"), x))
