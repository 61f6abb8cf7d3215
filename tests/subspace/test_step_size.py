from __future__ import annotations

import math

import pytest
import torch

from pipeline.errors import UserError
from pipeline.subspace.config import Normalisation, ProjectionConfig
from pipeline.subspace.registry import make_projection
from pipeline.subspace.step_size import rate_power, unit_rate

SIZE = 1 << 13


@pytest.mark.parametrize("normalisation", ["entry", "column"])
@pytest.mark.parametrize("d", [16, 200, 4096])
def test_a_relative_rate_gains_the_same_in_a_step_at_every_d(
    normalisation: Normalisation, d: int
) -> None:
    gradient = torch.randn(SIZE, generator=torch.Generator().manual_seed(0))
    config = ProjectionConfig(normalisation=normalisation)
    gains = []
    for seed in range(8):
        projection = make_projection(config, d, [SIZE], seed)
        inside = torch.empty(d)
        projection.adjoint(gradient.clone(), inside)
        rate = unit_rate(0.01, size=SIZE, d=d, normalisation=normalisation)
        gains.append(rate * float(inside.abs().sum()))
    # Normal entries: κ = 1 is as much as full fine-tuning gains.
    assert sum(gains) / 8 == pytest.approx(0.01 * float(gradient.abs().sum()), rel=0.15)


@pytest.mark.parametrize("normalisation", ["entry", "column"])
def test_the_unit_is_that_of_one_dimension_times_a_power_of_d(
    normalisation: Normalisation,
) -> None:
    first, there = (unit_rate(1e-4, size=SIZE, d=d, normalisation=normalisation) for d in (1, 300))
    assert there == pytest.approx(first * 300 ** rate_power(normalisation))


@pytest.mark.parametrize("normalisation", ["entry", "column"])
def test_with_all_dimensions_the_unit_is_full_fine_tunings_rate(
    normalisation: Normalisation,
) -> None:
    assert unit_rate(1e-4, size=SIZE, d=SIZE, normalisation=normalisation) == 1e-4


def test_column_is_entry_at_another_rate() -> None:
    entry, column = (
        unit_rate(1e-4, size=SIZE, d=128, normalisation=name) for name in ("entry", "column")
    )
    # docs/normalisation.md: η with column moves the weights as η·√(d/D) with entry.
    assert column * math.sqrt(128 / SIZE) == pytest.approx(entry)


def test_reference_has_no_unit() -> None:
    with pytest.raises(UserError, match="normalisation is reference"):
        unit_rate(1e-4, size=SIZE, d=128, normalisation="reference")
    with pytest.raises(UserError, match="normalisation is reference"):
        rate_power("reference")
