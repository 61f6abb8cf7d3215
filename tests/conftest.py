"""Settings of the whole suite."""

from __future__ import annotations

import os

# Tests run tiny tensors; threads that wait for each other would only slow them down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch
from hypothesis import settings

# The fixture `world`.
pytest_plugins = ("tests.worlds",)

# How long an example takes says nothing on a machine that others use too. The same commit is tested
# by the same examples; FUZZ_EXAMPLES asks for more of them, and for others each time.
settings.register_profile("suite", deadline=None, derandomize="FUZZ_EXAMPLES" not in os.environ)
settings.load_profile("suite")

# Kernels run in Triton's interpreter where nothing can run them compiled. Triton reads this when it
# is imported, and torch may import it before any test of a kernel.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: no worker is left alone with them when the others have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("repro") is None)
