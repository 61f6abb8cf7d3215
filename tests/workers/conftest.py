from __future__ import annotations

import pytest

from pipeline.workers import process


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forks here need no torch; one library shows that what is named is there."""
    monkeypatch.setattr(process, "LIBRARIES", ["safetensors"])
