"""The code and data that a study was made with, by the hashes that DVC recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.common.artifacts import Json
from pipeline.common.yaml_file import read_yaml

# What follows from the parameters, which are compared by themselves.
_PARAMETERS = ("params.yaml", "graph.yaml")


def sources(lock: Path) -> dict[str, str]:
    """The hash of each dependency that no stage makes, by its path; none without the file.

    Args:
        lock: a study's dvc.lock.

    Raises:
        UserError: the file is damaged.
    """
    if not lock.exists():
        return {}
    stages: Mapping[str, Json] = read_yaml(lock).get("stages") or {}
    made = {out["path"] for stage in stages.values() for out in stage.get("outs", ())}
    return {
        dep["path"]: str(dep.get("md5", dep.get("hash")))
        for stage in stages.values()
        for dep in stage.get("deps", ())
        if dep["path"] not in _PARAMETERS and not _within(dep["path"], made)
    }


def changed(studies: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The paths whose content is not the same in all studies that DVC recorded, sorted.

    Args:
        studies: by a study's name what `sources` gave.
    """
    known = [found for found in studies.values() if found]
    paths = {path for found in known for path in found}
    return sorted(path for path in paths if len({found.get(path) for found in known}) > 1)


def _within(path: str, made: set[str]) -> bool:
    """Whether an output is this path, holds it, or lies in it (results of all cells)."""
    parts = Path(path)
    return any(parts.is_relative_to(out) or Path(out).is_relative_to(path) for out in made)
