"""Hashes of the project's own code: what other code computed is not taken for this one's."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

from pipeline.common.artifacts import fingerprint, sha256

_PACKAGES = Path(__file__).parents[1]


def code_hash(*packages: str) -> str:
    """The hash of what the modules of these packages of ``pipeline`` do.

    Comments, docstrings and layout are left out: DVC, which looks at bytes, runs a stage again
    after an edit of these, and it finds its finished trainings.
    """
    return fingerprint([_hashes(name) for name in packages])


def source_hash() -> str:
    """The hash of every byte of ``pipeline``'s modules."""
    files = sorted(_PACKAGES.rglob("*.py"))
    return fingerprint([[str(path.relative_to(_PACKAGES)), sha256(path)] for path in files])


@lru_cache(maxsize=64)
def _hashes(package: str) -> list[list[str]]:
    files = sorted((_PACKAGES / package).rglob("*.py"))
    return [[str(path.relative_to(_PACKAGES)), _meaning(path)] for path in files]


def _meaning(path: Path) -> str:
    """The hash of a module's syntax tree, docstrings left out."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
