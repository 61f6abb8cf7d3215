"""The manifest of an output folder: the hash of each file, and for a checkpoint its update."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.artifacts import Json, sha256
from pipeline.common.checked import Index, Name
from pipeline.common.config import parse_known
from pipeline.common.sealed import check_files, read_sealed, write_sealed

MODEL_MANIFEST, STATE_MANIFEST = "checkpoint.json", "state.json"
TOKENIZER_MANIFEST = "tokenizer_manifest.json"


@dataclass(frozen=True)
class _Manifest:
    """What every manifest says."""

    sha256: dict[Name, Name]

    def __post_init__(self) -> None:
        outside = [file for file in self.sha256 if Path(file).name != file]
        if outside:
            raise ValueError(f"sha256 names {outside[0]!r}, which is no file of the folder")


@dataclass(frozen=True)
class _Checkpoint(_Manifest):
    """What the manifests of a checkpoint's two folders say."""

    step: Index


def seal(folder: Path, name: str, **facts: Any) -> Json:
    """Write, and return, the manifest of what is in a folder.

    It has each file's hash and further ``facts``: that of a checkpoint has its update, ``step``.
    """
    hashes = {path.name: sha256(path) for path in sorted(folder.iterdir())}
    manifest = {"sha256": hashes, **facts}
    write_sealed(folder / name, manifest)
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


def check_tokenizer(directory: Path) -> None:
    """Check the tokenizer's files in a folder of ours; one of others has no hashes.

    Raises:
        UserError: a file is missing, truncated or altered.
    """
    for name in (TOKENIZER_MANIFEST, MODEL_MANIFEST):
        if (directory / name).exists():
            hashes = _read(_Manifest, directory / name)["sha256"]
            own = {file: digest for file, digest in hashes.items() if "token" in file}
            check_files(directory, own)


def _checked(directory: Path, name: str) -> Json:
    manifest = _read(_Checkpoint, directory / name)
    check_files(directory, manifest["sha256"])
    return manifest


def _read(kind: type[_Manifest], path: Path) -> Json:
    manifest = read_sealed(path)
    parse_known(kind, manifest, f"{path}: content")
    return manifest
