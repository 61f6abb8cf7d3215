"""Estimates from one simulated cell; a test that judges averages asks for more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.estimate import expected, simulate


@pytest.fixture(autouse=True)
def one_cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    expected._trainings.cache_clear()
    monkeypatch.setattr(simulate, "CELLS", 1)
    yield
    expected._trainings.cache_clear()
