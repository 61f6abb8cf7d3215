"""The manifest in a checkpoint's folders: the update they are of, and the hash of each file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.artifacts import Json, sha256, write_json
from pipeline.common.checked import Index, Name
from pipeline.common.config import read_known
from pipeline.errors import UserError

MODEL_MANIFEST, STATE_MANIFEST = "checkpoint.json", "state.json"


@dataclass(frozen=True)
class _Manifest:
    """What every manifest says."""

    step: Index
    sha256: dict[Name, Name]

    def __post_init__(self) -> None:
        outside = [file for file in self.sha256 if Path(file).name != file]
        if outside:
            raise ValueError(f"sha256 names {outside[0]!r}, which is no file of the folder")


def seal(folder: Path, name: str, step: int, **facts: Any) -> Json:
    """Write, and return, the manifest of what is in a folder.

    It has the update that the folder is of, each file's hash, and further ``facts``.
    """
    hashes = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    manifest = {"step": step, "sha256": hashes, **facts}
    write_json(folder / name, manifest)
    return manifest


def check_model(directory: Path) -> Json:
    """Return ``checkpoint.json`` after checking every file against its hash.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    return _checked(directory, MODEL_MANIFEST)


def check_state(directory: Path) -> Json:
    """Return a state's ``state.json`` after checking every file against its hash.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    return _checked(directory, STATE_MANIFEST)


def _checked(directory: Path, name: str) -> Json:
    manifest = read_known(_Manifest, directory / name)
    for file, digest in manifest["sha256"].items():
        path = directory / file
        if not path.is_file() or sha256(path) != digest:
            raise UserError(
                f"{path} is missing, truncated or altered: get the folder again (dvc repro makes "
                "a checkpoint of the study anew where its folder is gone)"
            )
    return manifest
