"""A hash of the project's own code: what was computed by other code is not taken for this one's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pipeline.common.artifacts import fingerprint, sha256

_PACKAGES = Path(__file__).parents[1]


@lru_cache(maxsize=8)
def code_hash(*packages: str) -> str:
    """The hash of every module of these packages of ``pipeline``, comments included."""
    files = [path for name in packages for path in sorted((_PACKAGES / name).rglob("*.py"))]
    return fingerprint([[str(path.relative_to(_PACKAGES)), sha256(path)] for path in files])
