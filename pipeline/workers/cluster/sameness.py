"""Whether a node computes what the driver would: the same code, Python and libraries."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from pipeline.common.code import source_hash

# What decides the bytes of a result beside the project's own code.
_PACKAGES = (
    "numpy", "pandas", "pyarrow", "safetensors", "scipy", "tokenizers", "torch", "transformers",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What a process computes with.

    Attributes:
        python: its version, without the last part.
        packages: the versions of libraries, builds (``+cu128``) apart; None where one is missing.
        code: the hash of every byte of ``pipeline``'s modules.
    """

    python: str
    packages: Mapping[str, str | None]
    code: str

    def difference(self, other: Made) -> str | None:
        """What another process has that this one has not, in words; None where they are alike."""
        if self.python != other.python:
            return f"Python {other.python} where the driver has {self.python}"
        for name, own in self.packages.items():
            if (found := other.packages.get(name)) != own:
                return f"{name} {found or 'missing'} where the driver has {own or 'none'}"
        if self.code != other.code:
            return "a copy of pipeline/ before the driver's on its path (PYTHONPATH)"
        return None


@lru_cache(maxsize=1)
def made() -> Made:
    """Of this process."""
    python = ".".join(map(str, sys.version_info[:2]))
    return Made(python, {name: _version(name) for name in _PACKAGES}, source_hash())


def host() -> str:
    """What this machine is called."""
    return platform.node() or "a node"


def _version(name: str) -> str | None:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None
