from __future__ import annotations

import pytest
import torch

from pipeline.subspace import counter

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


@pytest.mark.parametrize("n", [1, 2, 4, 8, 64, 1024])
def test_permutations_are_permutations(n: int) -> None:
    orders = counter.permutation(STREAM, torch.arange(5), n)
    assert torch.equal(orders.sort(1).values, torch.arange(n).expand(5, n))


def test_permutations_are_spread_evenly() -> None:
    """Each element goes to each place about equally often, and neighbours part."""
    orders = counter.permutation(STREAM, torch.arange(4000), 16)
    for place in range(16):
        counts = torch.bincount(orders[:, place], minlength=16)
        assert int((counts - 250).abs().max()) < 75
    steps = (orders[:, 1:] - orders[:, :-1]).abs() == 1
    assert float(steps.double().mean()) == pytest.approx(2 * 15 / (16 * 15), abs=0.03)


def test_streams_differ() -> None:
    other = counter.key(1, "test")
    same = (counter.bits(STREAM, INDEX) == counter.bits(other, INDEX)).double().mean()
    assert float(same) < 1e-3
