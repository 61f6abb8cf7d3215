"""A finished study for the hub: a model repository with a revision a checkpoint, and a data set.

Everything is prepared in a folder first, and looked through by a person. Pushing sends that folder
as it is: nothing is made on the way.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline import paths
from pipeline.common.artifacts import atomic_directory, read_json, sha256
from pipeline.common.manifest import check_model, check_state
from pipeline.common.quoted import quoted
from pipeline.common.sealed import read_sealed, write_sealed
from pipeline.errors import UserError
from pipeline.sharing.cards import dataset_card, model_card

MODEL, DATASET = "model", "dataset"
_MANIFEST = "published.json"


class Hub(Protocol):
    """What pushing needs of `huggingface_hub.HfApi`."""

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> Any:
        """Make a repository."""

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool) -> Any:
        """Make a branch of a model's repository."""

    def upload_folder(
        self, *, repo_id: str, folder_path: str, repo_type: str, revision: str, commit_message: str
    ) -> Any:
        """Commit what is in a folder to a branch."""


def prepare(name: str, checkpoints: Sequence[str], out: Path, *, states: bool = False) -> str:
    """Write ``out/model/step{N}`` for each checkpoint, and ``out/dataset``.

    A revision is the checkpoint's folder as the study has it, with a card; step 0 is one like any
    other. The data set has the tables, and of every search its result and task vector.

    Args:
        name: the model repository, ``owner/name``; the data set is called the same with ``-d90``.
        checkpoints: their names in ``checkpoints/``.
        out: the folder to make; it must not exist.
        states: put the optimizer's state beside each checkpoint, in ``state/``.

    Returns:
        A sentence that says what was written.

    Raises:
        UserError: a checkpoint is missing or damaged, there are no tables, or ``out`` exists.
    """
    if out.exists():
        raise UserError(f"{out} exists: remove it, or name another folder with --out")
    if name.count("/") != 1 or not all(name.split("/")):
        raise UserError(f"{name!r} is no repository of the hub: give owner/name")
    if not (paths.REPORTS / "cells.csv").exists():
        raise UserError(f"{paths.REPORTS}/cells.csv is missing: run python -m pipeline repro")
    manifests = {checkpoint: check_model(paths.model(checkpoint)) for checkpoint in checkpoints}
    steps = sorted(manifest["step"] for manifest in manifests.values())
    with atomic_directory(out) as folder:
        for checkpoint, manifest in manifests.items():
            revision = folder / MODEL / f"step{manifest['step']}"
            _copy_checkpoint(checkpoint, revision, states)
            (revision / "README.md").write_text(
                model_card(name, checkpoint, manifest, read_json(revision / "config.json"), steps)
            )
        tasks = _copy_results(folder / DATASET)
        (folder / DATASET / "README.md").write_text(dataset_card(name, steps, tasks))
        write_sealed(folder / _MANIFEST, {"name": name, "files": _hashes(folder)})
    return (
        f"{out}: {len(steps)} revisions of {name} and the data set {name}-d90 with {len(tasks)} "
        "task vectors; look through it, then push it with --push"
    )


def push(out: Path, hub: Hub, name: str, *, private: bool = True) -> str:
    """Send what `prepare` wrote for ``name``; the last step is the main branch too.

    Raises:
        UserError: the folder was not prepared, for another name, or was changed since; or the hub
            refuses.
    """
    manifest = read_sealed(out / _MANIFEST)
    if manifest["name"] != name:
        raise UserError(f"{out} was prepared for {manifest['name']}, not for {name}")
    if manifest["files"] != _hashes(out):
        raise UserError(f"{out} was changed after it was prepared: prepare it anew")
    try:
        return _push(out, hub, name, private)
    except Exception as error:
        # The hub's client hands on errors of whatever HTTP library it uses.
        raise UserError(f"the hub refuses {name} ({quoted(error)}): check the token") from error


def _push(out: Path, hub: Hub, name: str, private: bool) -> str:
    hub.create_repo(name, repo_type=MODEL, private=private, exist_ok=True)
    revisions = sorted((out / MODEL).iterdir(), key=lambda path: int(path.name[4:]))
    for folder in revisions:
        hub.create_branch(name, branch=folder.name, exist_ok=True)
        _upload(hub, name, folder, MODEL, folder.name)
    _upload(hub, name, revisions[-1], MODEL, "main")
    hub.create_repo(f"{name}-d90", repo_type=DATASET, private=private, exist_ok=True)
    _upload(hub, f"{name}-d90", out / DATASET, DATASET, "main")
    return f"{name}: {len(revisions)} revisions, and {name}-d90"


def _upload(hub: Hub, name: str, folder: Path, kind: str, revision: str) -> None:
    hub.upload_folder(
        repo_id=name, folder_path=str(folder), repo_type=kind, revision=revision,
        commit_message=f"{folder.name}, as the study made it",
    )  # fmt: skip


def _copy_checkpoint(checkpoint: str, revision: Path, states: bool) -> None:
    shutil.copytree(paths.model(checkpoint), revision)
    if states and paths.state(checkpoint).exists():
        check_state(paths.state(checkpoint))
        shutil.copytree(paths.state(checkpoint), revision / "state")


def _copy_results(dataset: Path) -> list[str]:
    """Copy the tables and the searches; return the task vectors' places, ``model/task``."""
    dataset.mkdir(parents=True)
    for table in sorted(paths.REPORTS.glob("*.csv")):
        shutil.copyfile(table, dataset / table.name)
    tasks = []
    for result in sorted((paths.RESULTS / "search").glob("*/*/result.json")):
        place = result.parent.relative_to(paths.RESULTS / "search")
        (dataset / "tasks" / place).mkdir(parents=True)
        for name in ("result.json", "trials.jsonl", "task.safetensors"):
            if (result.parent / name).exists():
                shutil.copyfile(result.parent / name, dataset / "tasks" / place / name)
        if (result.parent / "task.safetensors").exists():
            tasks.append(str(place))
    return tasks


def _hashes(out: Path) -> dict[str, str]:
    """The hash of each file of both repositories, by its place."""
    files = sorted(path for part in (MODEL, DATASET) for path in (out / part).rglob("*"))
    return {str(path.relative_to(out)): sha256(path) for path in files if path.is_file()}
