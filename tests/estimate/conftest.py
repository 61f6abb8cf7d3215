"""Estimates from few simulated cells: what they come to is not judged here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.estimate import expected, simulate


@pytest.fixture(autouse=True)
def few_cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    expected._trainings.cache_clear()
    monkeypatch.setattr(simulate, "CELLS", 3)
    yield
    expected._trainings.cache_clear()
