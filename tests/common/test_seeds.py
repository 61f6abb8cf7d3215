from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.common import seeds


def test_names_are_told_apart() -> None:
    streams = [
        seeds.derive(0),
        seeds.derive(1),
        seeds.derive(0, "a", "b"),
        seeds.derive(0, "ab"),
        seeds.derive(0, "b", "a"),
        seeds.derive(0, "1"),
        seeds.derive(0, 1),
    ]
    assert len(set(streams)) == len(streams)


def test_seeds_are_pinned() -> None:
    """A change here changes every result of every study."""
    assert seeds.derive(0, "blocks", 3) == GOLDEN


GOLDEN = 16309904169916302065


def test_generators_are_local() -> None:
    np.random.seed(0)
    torch.manual_seed(0)
    state, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = seeds.numpy_generator(1, "x").random(4)
    drawn = torch.rand(4, generator=seeds.torch_generator(1, "x"))
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(numbers, np.random.get_state()[1])
    assert np.array_equal(first, seeds.numpy_generator(1, "x").random(4))
    assert torch.equal(drawn, torch.rand(4, generator=seeds.torch_generator(1, "x")))


def test_isolated_code_neither_sees_nor_leaves_global_state() -> None:
    results = []
    for outside in (1, 2):
        torch.manual_seed(outside)
        before = torch.get_rng_state()
        with seeds.isolated(7, "init"):
            results.append(torch.rand(3))
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(*results)


def test_dropout_is_seeded_as_by_torch_itself() -> None:
    seeds.seed_dropout(3, "step", 5)
    drawn = torch.rand(4)
    value = seeds.derive(3, "step", 5)
    torch.manual_seed(value - (1 << 64) if value >= 1 << 63 else value)
    assert torch.equal(drawn, torch.rand(4))


def test_every_gpu_in_use_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", given.append)
    for used in (False, True):
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda used=used: used)
        seeds.seed_dropout(3, "step", 5)
    assert given == [torch.default_generator.initial_seed()]
