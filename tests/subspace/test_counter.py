from __future__ import annotations

import pytest
import torch

from pipeline.subspace import counter
from pipeline.subspace.hadamard import walsh_hadamard

STREAM = counter.key(0, "test")
INDEX = torch.arange(200_000)


def test_bits_are_a_function_of_the_index_alone() -> None:
    whole = counter.bits(STREAM, INDEX)
    assert torch.equal(whole[1000:1010], counter.bits(STREAM, INDEX[1000:1010]))
    assert int(whole.min()) >= 0 and int(whole.max()) < 1 << 32


def test_bits_are_pinned() -> None:
    """Task vectors saved today must mean the same weights tomorrow."""
    golden = [4259107388, 227568098, 426427075, 3093190226]
    assert counter.bits((1, 2), torch.tensor([0, 1, 2, 1 << 40])).tolist() == golden


def test_each_bit_is_fair_and_flips_with_every_input_bit() -> None:
    whole = counter.bits(STREAM, INDEX)
    neighbours = counter.bits(STREAM, INDEX ^ 1)
    for bit in range(32):
        assert float((whole >> bit & 1).double().mean()) == pytest.approx(0.5, abs=0.006)
        flips = float(((whole ^ neighbours) >> bit & 1).double().mean())
        assert flips == pytest.approx(0.5, abs=0.006)


def test_normals_have_the_moments_of_a_normal() -> None:
    sample = counter.normals(STREAM, INDEX, torch.float64)
    assert float(sample.mean()) == pytest.approx(0, abs=0.01)
    assert float(sample.var()) == pytest.approx(1, abs=0.01)
    assert float((sample**4).mean()) == pytest.approx(3, abs=0.06)
    assert float((sample[1:] * sample[:-1]).mean()) == pytest.approx(0, abs=0.01)


def test_signs_are_balanced() -> None:
    sample = counter.signs(STREAM, INDEX, torch.float64)
    assert set(sample.unique().tolist()) == {-1.0, 1.0}
    assert float(sample.mean()) == pytest.approx(0, abs=0.01)


def test_normals_and_signs_fit_in_half_precision() -> None:
    for draw in (counter.normals, counter.signs):
        half = draw(STREAM, INDEX, torch.float16)
        assert torch.equal(half.double(), draw(STREAM, INDEX, torch.float64))


def test_whole_numbers_below_a_bound_are_uniform() -> None:
    bound = torch.tensor(7)
    counts = torch.bincount(counter.below(STREAM, INDEX, bound), minlength=7)
    assert len(counts) == 7
    assert counts.double().div(len(INDEX) / 7).sub(1).abs().max() < 0.03


def orders(blocks: int, n: int) -> torch.Tensor:
    """What Fastfood permutes by: one strong permutation after a cheap one for each block."""
    factor, offset = counter.affine(STREAM, torch.arange(blocks), n)
    strong = counter.permutation(counter.key(0, "strong"), n, INDEX.device)
    return strong[(factor.unsqueeze(1) * torch.arange(n) + offset.unsqueeze(1)) % n]


@pytest.mark.parametrize("n", [1, 2, 4, 8, 64, 1024])
def test_permutations_are_permutations(n: int) -> None:
    assert torch.equal(orders(5, n).sort(1).values, torch.arange(n).expand(5, n))


def test_permutations_are_spread_evenly() -> None:
    """Each element goes to each place about equally often."""
    sample = orders(4000, 16)
    for place in range(16):
        counts = torch.bincount(sample[:, place], minlength=16)
        assert int((counts - 250).abs().max()) < 75


@pytest.mark.parametrize("n", [64, 1024, 1 << 17])
def test_permutations_part_neighbours(n: int) -> None:
    """Places keep nothing of their distance, order, or lowest bit."""
    order = orders(1, n)[0]
    noise = 4 / n**0.5
    assert abs(float(torch.corrcoef(torch.stack([order, torch.arange(n)]).double())[0, 1])) < noise
    same = (order & 1 == torch.arange(n) & 1).double().mean()
    assert float(same) == pytest.approx(0.5, abs=noise)
    steps = (order.diff().abs() == 1).double().mean()
    assert float(steps) < 2 / n + noise / 4


def test_a_strong_permutation_hides_from_the_hadamard_matrix() -> None:
    """No pair of Walsh functions stays alike through it, so that H G Π H has no structure left."""
    n = 512
    order = orders(1, n)[0]
    matrix = walsh_hadamard(torch.eye(n, dtype=torch.float64)) / n**0.5
    overlap = (matrix @ matrix[order])[1:, 1:].abs()
    assert float(overlap.max()) < 6 / n**0.5


def test_streams_differ() -> None:
    other = counter.key(1, "test")
    same = (counter.bits(STREAM, INDEX) == counter.bits(other, INDEX)).double().mean()
    assert float(same) < 1e-3
