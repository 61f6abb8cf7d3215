from __future__ import annotations

import pytest

from pipeline.dimension.sweep_grid import SweepProbes, left_out


def test_the_papers_sweep_goes_from_10_to_10000() -> None:
    values = SweepProbes().values()
    # Of the 100, rounding makes two equal.
    assert len(values) == 99 and (values[0], values[-1]) == (10, 10_000)
    assert list(values) == sorted(set(values))


def test_dimensions_that_cannot_be_have_a_reason() -> None:
    probes = SweepProbes(minimum=10, maximum=1000, points=5)
    assert probes.values() == (10, 32, 100, 316, 1000)
    assert probes.possible(14, 500) == (32, 100, 316)
    assert probes.possible(0, 10**6) == probes.values()
    assert left_out(10, 14, 500) == "SAID scales 14 layers, so d must be above 14"
    assert left_out(1000, 14, 500) == "the model has only 500 parameters"


@pytest.mark.parametrize(
    "wrong",
    [{"minimum": 0}, {"maximum": 10}, {"points": 1}, {"learning_rates": ()}, {"seeds": 0},
     {"epochs": 0}, {"fraction": 0.0}],
)  # fmt: skip
def test_impossible_sweeps_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SweepProbes(**wrong)
