"""Searches that cannot be, refused with the key that is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.dimension.grid import GridConfig
from pipeline.dimension.levers import EfficientConfig
from pipeline.probes.config import SearchConfig

SAID = SearchConfig(GridConfig(8, 2048, 4.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"fraction": 0.0},
        {"rates": ()},
        {"rates": (0.35, 0.35)},
        {"rates": (0.0,)},
        {"learning_rates": ()},
        {"learning_rates": (1e-2, 1e-2)},
        {"seeds": 0},
        {"epochs": 0},
        {"margin": -1.0},
    ],
)
def test_impossible_searches_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} "):
        replace(SAID, **wrong)


def test_the_efficient_protocol_repeats_by_itself() -> None:
    with pytest.raises(ValueError, match=r"^seeds is 3, but the protocol efficient decides itself"):
        replace(SAID, seeds=3)
    assert replace(SAID, seeds=3, protocol="paper").seeds == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"precision": 1.0}, "precision is 1.0, but must be above 1"),
        ({"precision": float("nan")}, "precision is nan, but must be above 1"),
        ({"budget": 0.0}, "budget is 0.0, but must be above 0"),
        ({"evaluations": 0}, "evaluations is 0, but must be at least 1, or null"),
        ({"max_steps": 0}, "max_steps is 0, but must be at least 1, or null"),
    ],
)
def test_what_the_efficient_protocol_cannot_give_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EfficientConfig(**wrong)
