"""One contract for every projection, and proof that the contract notices the known faults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from pipeline.subspace import fastfood, permuted_hadamard
from pipeline.subspace.config import ProjectionConfig
from pipeline.subspace.fastfood import Fastfood
from pipeline.subspace.layers import LayerScales
from pipeline.subspace.projection import Projection
from pipeline.subspace.reference import ReferenceFastfood
from pipeline.subspace.registry import make_projection
from pipeline.subspace.sparse import SparseSigns
from tests.subspace.contract import (
    adjointness_error,
    apply,
    gaussian,
    layer_error,
    leans_on_the_global_generator,
    null_columns,
    pull,
    rms_by_tensor,
)

VARIANTS = [
    {"projection": "fastfood"},
    {"projection": "fastfood", "gaussian": "rademacher"},
    {"projection": "fastfood", "share_signs": False},
    {"projection": "fastfood_whole"},
    {"projection": "fastfood_whole", "share_signs": False},
    {"projection": "dense"},
    {"projection": "sparse"},
]
CONFIGS = [
    ProjectionConfig(**variant, normalisation=normalisation)
    for variant in VARIANTS
    for normalisation in ("entry", "column", "reference")
]
SHAPES = [(1, 1), (1, 7), (3, 3), (5, 64), (64, 65), (33, 500), (129, 130)]


def name(config: object) -> str:
    return "-".join(map(str, vars(config).values())) if isinstance(config, ProjectionConfig) else ""


def make(config: ProjectionConfig, d: int, size: int, seed: int = 0) -> Projection:
    lengths = [size] if size < 3 else [1, size // 3, size - size // 3 - 1]
    return make_projection(config, d, lengths, seed)


def ones(scales: LayerScales) -> LayerScales:
    return replace(scales, values=torch.ones_like(scales.values))


@pytest.fixture(params=[1 << 18, 128], ids=["one-chunk", "many-chunks"])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All at a time; or in chunks, and with permutation and signs made anew as of long blocks."""
    monkeypatch.setattr(fastfood, "_CHUNK_ENTRIES", request.param)
    if request.param == 128:
        monkeypatch.setattr(permuted_hadamard, "_LONGEST_KEPT", 0)
    for module in ("dense", "sparse"):
        monkeypatch.setattr(f"pipeline.subspace.{module}._TILE_ENTRIES", 32 * request.param)
    yield


@pytest.mark.usefixtures("chunks")
@pytest.mark.parametrize(("d", "size"), SHAPES)
@pytest.mark.parametrize("config", CONFIGS, ids=name)
class TestContract:
    def test_adjoint_is_exact(self, config: ProjectionConfig, d: int, size: int) -> None:
        assert adjointness_error(make(config, d, size)) < 1e-12

    def test_equals_its_dense_matrix(self, config: ProjectionConfig, d: int, size: int) -> None:
        projection = make(config, d, size)
        matrix, x, y = projection.dense(), gaussian(d), gaussian(size)
        torch.testing.assert_close(apply(projection, x), matrix @ x, rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(pull(projection, y), matrix.T @ y, rtol=1e-11, atol=1e-11)
        assert null_columns(projection) == 0
        assert layer_error(projection, min(3, size)) < 1e-12

    def test_seed_decides_everything(self, config: ProjectionConfig, d: int, size: int) -> None:
        projection, again, other = (make(config, d, size, seed) for seed in (0, 0, 1))
        assert not leans_on_the_global_generator(projection)
        x = gaussian(d)
        assert torch.equal(apply(projection, x), apply(again, x))
        if size > 7:
            assert not torch.equal(apply(projection, x), apply(other, x))


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_chunks_do_not_change_the_map(
    variant: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, x = ProjectionConfig(**variant), gaussian(33)
    whole = apply(make(config, 33, 5000), x)
    monkeypatch.setattr(fastfood, "_CHUNK_ENTRIES", 64)
    for module in ("dense", "sparse"):
        monkeypatch.setattr(f"pipeline.subspace.{module}._TILE_ENTRIES", 64)
    torch.testing.assert_close(apply(make(config, 33, 5000), x), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("config", CONFIGS, ids=name)
class TestContractBites:
    """The known faults, planted in every projection, are noticed in every one."""

    def test_a_backward_divided_by_the_root_of_n(self, config: ProjectionConfig) -> None:
        projection = make(config, 100, 1000)
        adjoint = projection.adjoint

        def divided(gradient: torch.Tensor, out: torch.Tensor) -> None:
            adjoint(gradient, out)
            out.div_(math.sqrt(128))

        projection.adjoint = divided  # type: ignore[method-assign]
        assert adjointness_error(projection) > 1e-3

    def test_a_cropped_vector(self, config: ProjectionConfig) -> None:
        projection = make(config, 100, 1000)
        pieces = projection.pieces

        def cropping(theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
            return pieces(torch.cat([theta[:50], torch.zeros_like(theta[50:])]))

        projection.pieces = cropping  # type: ignore[method-assign]
        assert null_columns(projection) == 50
        assert adjointness_error(projection) > 1e-3

    def test_factors_of_the_global_generator(self, config: ProjectionConfig) -> None:
        projection = make(config, 10, 100)

        def drawn(theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
            yield 0, torch.randn(100, 10, dtype=theta.dtype) @ theta

        projection.pieces = drawn  # type: ignore[method-assign]
        assert leans_on_the_global_generator(projection)

    def test_a_scale_forgotten_on_the_way_back(self, config: ProjectionConfig) -> None:
        projection = make(config, 100, 1000)
        pull_back = projection.pull_back

        def forgetful(gradient, theta, scales):
            return pull_back(gradient, theta, ones(scales))

        projection.pull_back = forgetful  # type: ignore[method-assign]
        assert layer_error(projection, 3) > 1e-2

    def test_a_scale_forgotten_on_the_way_forth(self, config: ProjectionConfig) -> None:
        projection = make(config, 100, 1000)
        displace = projection.displace

        def forgetful(origin, theta, scales, out) -> None:
            displace(origin, theta, ones(scales), out)

        projection.displace = forgetful  # type: ignore[method-assign]
        assert layer_error(projection, 3) > 1e-2


class TestReference:
    """The public code, rendered: right forward, wrong backward, cropped θ^d."""

    LENGTHS = (640, 1, 30)

    def test_its_backward_is_the_adjoint_over_the_padded_length(self) -> None:
        for length, padded in ((640, 1024), (512, 512), (30, 32)):
            projection, y = ReferenceFastfood(20, [length], 0), gaussian(length)
            exact = projection.dense().T @ y
            torch.testing.assert_close(pull(projection, y), exact / padded, rtol=1e-9, atol=1e-12)

    def test_the_contract_refuses_its_backward(self) -> None:
        assert adjointness_error(ReferenceFastfood(20, self.LENGTHS, 0)) > 1e-3

    def test_it_crops_in_small_tensors(self) -> None:
        matrix = ReferenceFastfood(20, self.LENGTHS, 0).dense()
        assert int((matrix[640:641] == 0).sum()) == 19

    def test_it_has_unit_columns_in_each_tensor(self) -> None:
        matrix = ReferenceFastfood(20, self.LENGTHS, 0).dense()
        for part in (matrix[:640], matrix[641:]):
            assert float(part.square().sum(0).mean()) == pytest.approx(1, rel=0.15)

    def test_it_leaves_the_global_generator_alone(self) -> None:
        assert not leans_on_the_global_generator(ReferenceFastfood(20, self.LENGTHS, 0))


def mean_ratio(variant: dict[str, object], normalisation: str, d: int, size: int) -> float:
    """Mean of |Pθ| / |θ| over 20 seeds."""
    config, theta = ProjectionConfig(**variant, normalisation=normalisation), gaussian(d)
    norms = [apply(make(config, d, size, seed), theta).norm() for seed in range(20)]
    return float(torch.stack(norms).mean() / theta.norm())


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("d", [50, 400])
def test_column_normalisation_keeps_lengths(variant: dict[str, object], d: int) -> None:
    assert mean_ratio(variant, "column", d, 4000) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("d", [50, 400])
def test_entry_normalisation_keeps_the_rms(variant: dict[str, object], d: int) -> None:
    ratio = mean_ratio(variant, "entry", d, 4000)
    assert ratio == pytest.approx((4000 / d) ** 0.5, rel=0.05)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_every_tensor_moves_alike_whatever_its_length(variant: dict[str, object]) -> None:
    lengths = [3000, 12_000, 5000, 60_000]
    projection = make_projection(ProjectionConfig(**variant), 500, lengths, 0)
    ratios = rms_by_tensor(projection, lengths)
    assert float((ratios - 1).abs().max()) < 0.12


def test_reference_normalisation_moves_short_tensors_more() -> None:
    lengths = [3000, 12_000, 48_000]
    for config in (
        ProjectionConfig(normalisation="reference"),
        ProjectionConfig(projection="reference", normalisation="reference"),
    ):
        ratios = rms_by_tensor(make_projection(config, 500, lengths, 0), lengths)
        assert float(ratios[0] / ratios[1]) == pytest.approx(2, rel=0.15)
        assert float(ratios[1] / ratios[2]) == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("share_signs", [True, False])
def test_columns_are_nearly_orthogonal(share_signs: bool) -> None:
    matrix = Fastfood(256, 20_000, seed=0, normalisation="column", share_signs=share_signs).dense()
    gram = matrix.T @ matrix
    off = gram - torch.diag(gram.diagonal())
    # PᵀP is a mean of D squares of normal numbers off the diagonal, up to signs: rms √(2/D).
    assert float(off.square().mean().sqrt()) < 1.2 * (2 / 20_000) ** 0.5


@pytest.mark.parametrize("share_signs", [True, False])
def test_rows_are_nearly_orthogonal_within_and_across_blocks(share_signs: bool) -> None:
    matrix = (
        Fastfood(256, 2048, seed=0, normalisation="entry", share_signs=share_signs).dense()
        * 256**0.5
    )
    gram = matrix @ matrix.T / 256
    off = gram - torch.diag(gram.diagonal())
    assert float(off.square().mean().sqrt()) == pytest.approx(256**-0.5, rel=0.1)
    assert float(off.abs().max()) < 0.45


def test_entries_are_normal() -> None:
    entries = Fastfood(200, 20_000, seed=0, normalisation="entry").dense().flatten() * 200**0.5
    assert float(entries.mean()) == pytest.approx(0, abs=0.01)
    assert float(entries.var()) == pytest.approx(1, abs=0.05)
    assert float((entries**4).mean()) == pytest.approx(3, abs=0.15)


def test_rademacher_fastfood_is_an_isometry() -> None:
    projection = Fastfood(256, 256 * 5, seed=0, normalisation="column", gaussian="rademacher")
    matrix = projection.dense()
    torch.testing.assert_close(matrix.T @ matrix, torch.eye(256, dtype=torch.float64))


def test_sparse_has_one_entry_in_sqrt_d_and_unit_columns() -> None:
    matrix = SparseSigns(40, 10_000, seed=0, normalisation="column").dense()
    assert int((matrix != 0).sum()) == 40 * 100
    torch.testing.assert_close(matrix.norm(dim=0), torch.ones(40, dtype=torch.float64))
    assert matrix.unique().numel() == 3


def test_kept_factors_are_those_made_anew() -> None:
    x, projection = gaussian(33), Fastfood(33, 5000, seed=0, normalisation="entry")
    first = apply(projection, x)
    diagonals = sum(diagonal.nbytes for _, _, diagonal in projection._kept.values())
    assert diagonals == 2 * 5056
    assert torch.equal(first, apply(projection, x))
    projection._kept.clear()
    assert torch.equal(first, apply(projection, x))


def test_single_precision_is_close_to_double() -> None:
    projection, x = Fastfood(1000, 50_000, seed=0, normalisation="entry"), gaussian(1000)
    single = apply(projection, x.float())
    torch.testing.assert_close(single.double(), apply(projection, x), rtol=0, atol=1e-5)


def test_keys_that_a_projection_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="gaussian is rademacher, but only Fastfood"):
        ProjectionConfig(projection="dense", gaussian="rademacher")
    with pytest.raises(ValueError, match="share_signs is False, but only Fastfood"):
        ProjectionConfig(projection="sparse", share_signs=False)
    with pytest.raises(ValueError, match="normalisation is entry, but must be reference"):
        ProjectionConfig(projection="reference")
