from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.environment import make_environment


@pytest.fixture(scope="session")
def environment() -> Path:
    return make_environment()
