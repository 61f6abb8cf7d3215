"""Settings of the whole suite."""

from __future__ import annotations

import os

# Tests run tiny tensors; threads that wait for each other would only slow them down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
