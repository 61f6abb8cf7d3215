"""The fused kernels against the contract of every projection, and against the composition."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch

from pipeline.subspace import kernels
from pipeline.subspace.fastfood import Fastfood
from pipeline.subspace.layers import Layers, LayerScales
from pipeline.training.parameters import Span
from tests.subspace.contract import (
    adjointness_error,
    gaussian,
    layer_error,
    leans_on_the_global_generator,
    null_columns,
    pull,
)
from tests.subspace.kernels.conftest import composed

# Kind, d, D: one block and many, tiles of several blocks, blocks and tiles that end beyond D. They
# are few and small because the interpreter needs a tenth of a second for a tile.
SHAPES = [
    ("block", 1, 7),
    ("block", 5, 150),
    ("block", 200, 500),
    ("passes", 33, 150),
    ("passes", 100, 300),
]


def layers_of(count: int, size: int) -> Layers:
    edges = [index * size // count for index in range(count + 1)]
    return Layers([[Span(str(i), a, b)] for i, (a, b) in enumerate(pairwise(edges))])


def both(d: int, size: int) -> tuple[Fastfood, Fastfood]:
    """The same projection with kernels and without."""
    fused, plain = (Fastfood(d, size, seed=0, normalisation="entry") for _ in range(2))
    return fused, composed(plain)


class OnKernels(Fastfood):
    """A projection whose forward and adjoint go through the kernels, as a subspace's step does."""

    def forward(self, theta: torch.Tensor, out: torch.Tensor) -> None:
        self.displace(torch.zeros_like(out), theta, self._one(out), out)

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        out.copy_(self.pull_back(gradient, torch.zeros_like(out), self._one(out))[0])

    def _one(self, like: torch.Tensor) -> LayerScales:
        return LayerScales(torch.ones(1).to(like), layers_of(1, self.size))


@pytest.mark.parametrize(("kind", "d", "size"), SHAPES)
@pytest.mark.parametrize("draw", ["normal", "rademacher"])
class TestContract:
    @pytest.fixture
    def projection(self, on_kernels: Callable, kind: str, d: int, size: int, draw) -> Fastfood:
        on_kernels(kind)
        return OnKernels(d, size, seed=0, normalisation="entry", gaussian=draw)

    def test_adjoint_is_exact(self, projection: Fastfood) -> None:
        assert adjointness_error(projection) < 1e-12
        assert type(projection._fused[torch.device("cpu")]).__name__.endswith("Kernels")

    def test_nothing_is_cropped_and_the_seed_decides(self, projection: Fastfood) -> None:
        assert not leans_on_the_global_generator(projection)
        if projection.d < 20:
            assert null_columns(projection) == 0

    def test_it_is_the_composition(self, projection: Fastfood, draw) -> None:
        plain = composed(
            Fastfood(projection.d, projection.size, seed=0, normalisation="entry", gaussian=draw)
        )
        x, y = gaussian(projection.d), gaussian(projection.size)
        images = []
        for each in (projection, plain):
            images.append(y.new_empty(projection.size))
            each.forward(x, images[-1])
        torch.testing.assert_close(*images, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(pull(projection, y), pull(plain, y), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("kind", "d", "size"), SHAPES[1:])
@pytest.mark.parametrize("count", [1, 5])
def test_layers_are_scaled_and_get_their_gradient(
    on_kernels: Callable, kind: str, d: int, size: int, count: int
) -> None:
    on_kernels(kind)
    if d < 20:
        assert layer_error(Fastfood(d, size, seed=0, normalisation="entry"), count) < 1e-12
    scales = LayerScales(gaussian(count, seed=2), layers_of(count, size))
    results = []
    for projection in both(d, size):
        moved = gaussian(size)
        projection.displace(gaussian(size), gaussian(d), scales, moved)
        gradient = gaussian(size, seed=1)
        by_theta, by_scale = projection.pull_back(gradient, gaussian(d), scales)
        results.append(torch.cat([moved, by_theta, by_scale]))
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", ["block", "passes"])
def test_a_scale_of_zero_is_no_special_case(on_kernels: Callable, kind: str) -> None:
    on_kernels(kind)
    scales = LayerScales(torch.zeros(1, dtype=torch.float64), layers_of(1, 200))
    shares = []
    for projection in both(50, 200):
        by_theta, by_scale = projection.pull_back(gaussian(200), gaussian(50), scales)
        assert not by_theta.any()
        shares.append(by_scale)
    torch.testing.assert_close(*shares)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", ["block", "passes"])
def test_narrow_weights_are_rounded_once_and_zero_leaves_them(
    on_kernels: Callable, kind: str, dtype: torch.dtype
) -> None:
    on_kernels(kind)
    projection, one = (
        Fastfood(50, 100, seed=0, normalisation="entry"),
        LayerScales(torch.ones(1), layers_of(1, 100)),
    )
    origin = gaussian(100).to(dtype)
    origin[:9] = -0.0
    narrow, wide = torch.empty_like(origin), torch.empty(100)
    theta = 0.05 * gaussian(50).float()
    projection.displace(origin, theta, one, narrow)
    projection.displace(origin.float(), theta, one, wide)
    if dtype == torch.float16:
        assert torch.equal(narrow, wide.to(dtype))
    else:
        # The interpreter cuts off what a GPU rounds to the nearest.
        torch.testing.assert_close(narrow.float(), wide, rtol=2**-7, atol=0)
    projection.displace(origin, torch.zeros(50), one, narrow)
    assert torch.equal(narrow.view(torch.int16), origin.view(torch.int16))


@pytest.mark.parametrize("kind", ["block", "passes"])
def test_two_calls_give_the_same_bits_and_tiles_do_not_matter(
    on_kernels: Callable, kind: str
) -> None:
    on_kernels(kind)
    y, results = gaussian(600).float(), []
    for _ in range(2):
        results.append(pull(OnKernels(60, 600, seed=0, normalisation="entry"), y))
    assert torch.equal(*results)
    plain = composed(Fastfood(60, 600, seed=0, normalisation="entry"))
    torch.testing.assert_close(results[0], pull(plain, y), rtol=1e-4, atol=1e-4)


def test_the_random_bits_beyond_32_bits_of_index() -> None:
    from pipeline.subspace import counter
    from tests.subspace.kernels.drawing import LENGTH, draw

    stream, table = counter.key(5, "a"), counter.lower_quantiles(torch.device("cpu"))
    key = torch.tensor(stream).to(torch.int32)
    for start in (0, LENGTH, (1 << 32) - LENGTH, (1 << 33) + LENGTH):
        for normal, reference in ((True, counter.normals), (False, counter.signs)):
            out = torch.empty(LENGTH)
            draw[1,](torch.tensor(start), key, table, out, normal, LENGTH)
            index = start + torch.arange(LENGTH)
            assert torch.equal(out, reference(stream, index, torch.float32))


def test_no_state_grows_with_the_model(on_kernels: Callable) -> None:
    """What is kept: keys, half a table of normal numbers, and how layers cut the tiles."""
    on_kernels("block")
    sizes = []
    for size in (1000, 2000):
        projection = Fastfood(64, size, seed=0, normalisation="entry")
        projection.displace(
            gaussian(size),
            gaussian(64),
            LayerScales(gaussian(2), layers_of(2, size)),
            gaussian(size),
        )
        held = projection._fused[torch.device("cpu")]
        assert not projection._kept
        (runs,) = held._cut.values()
        sizes.append(sum(getattr(runs, name).nbytes for name in vars(runs)))
    # 16 bytes a tile; a tile is 128 entries here and at least 4096 on a GPU.
    assert sizes[1] - sizes[0] < 17 * 1000 / 128


class TestDispatch:
    def test_a_cpu_has_no_kernels(self) -> None:
        draws = kernels.Draws((0, 0), (0, 0), True)
        assert kernels.fused(torch.device("cpu"), n=64, size=500, draws=draws) is None

    @pytest.mark.parametrize(
        ("n", "kind"), [(1 << 14, "BlockKernels"), (1 << 15, "PassKernels"), (1 << 25, None)]
    )
    def test_the_block_length_decides(
        self, n: int, kind: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(kernels.LONGEST, "cpu", kernels.LONGEST["cuda"])
        draws = kernels.Draws((0, 0), (0, 0), True)
        made = kernels.fused(torch.device("cpu"), n=n, size=4 * n, draws=draws)
        assert (None if made is None else type(made).__name__) == kind

    def test_without_triton_the_composition_serves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(kernels.LONGEST, "cpu", kernels.LONGEST["cuda"])
        monkeypatch.setattr(kernels, "find_spec", lambda name: None)
        draws = kernels.Draws((0, 0), (0, 0), True)
        assert kernels.fused(torch.device("cpu"), n=64, size=500, draws=draws) is None

    def test_own_signs_go_through_the_composition(self, on_kernels: Callable) -> None:
        on_kernels("block")
        projection = Fastfood(20, 100, seed=0, normalisation="entry", share_signs=False)
        projection.displace(
            gaussian(100), gaussian(20), LayerScales(gaussian(1), layers_of(1, 100)), gaussian(100)
        )
        assert not projection._fused
