"""The learning rates that a search offers, against their unit and the lists that are refused."""

from __future__ import annotations

import pytest

from pipeline.errors import UserError
from pipeline.probes.rates import offered
from pipeline.subspace.config import Normalisation, SubspaceConfig
from pipeline.subspace.step_size import unit_rate

GRID = (100, 1000, 10_000)
SIZE = 1_000_000
MULTIPLES = (0.18, 0.35, 0.7)
RELATIVE: list[Normalisation] = ["entry", "column"]


@pytest.mark.parametrize("normalisation", RELATIVE)
@pytest.mark.parametrize("d", [1, 100, 1234, 500_000])
def test_relative_rates_are_multiples_of_the_unit_at_every_d(
    normalisation: Normalisation, d: int
) -> None:
    subspace = SubspaceConfig(normalisation=normalisation)
    rates = offered(MULTIPLES, None, subspace=subspace, full_rate=2e-5, size=SIZE, grid=GRID)
    unit = unit_rate(2e-5, size=SIZE, d=d, normalisation=normalisation)
    assert rates.at(d) == pytest.approx([multiple * unit for multiple in MULTIPLES])
    # Nothing is said of d by a multiple: the best one is the same at every d.
    assert [10 ** rates.decades(d, rate) for rate in rates.at(d)] == pytest.approx(MULTIPLES)


def test_absolute_rates_are_the_list_at_every_d() -> None:
    subspace, listed = SubspaceConfig(normalisation="reference"), (1e-3, 1e-2)
    rates = offered(MULTIPLES, listed, subspace=subspace, full_rate=2e-5, size=SIZE, grid=GRID)
    assert [rates.at(d) for d in GRID] == [listed] * 3
    # The best one lies in the middle of the list at the middle of the grid, and falls with d.
    assert rates.decades(1000, 10**-2.5) == pytest.approx(rates.centre)
    assert rates.decades(10_000, 1e-2) > rates.decades(1000, 1e-2) > rates.decades(100, 1e-2)


def test_relative_rates_need_a_normalisation_that_has_a_unit() -> None:
    subspace = SubspaceConfig(normalisation="reference")
    with pytest.raises(UserError, match="a relative learning rate has no unit"):
        offered(MULTIPLES, None, subspace=subspace, full_rate=2e-5, size=SIZE, grid=GRID)
