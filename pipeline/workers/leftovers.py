"""Results that no stage makes any more: what a task, checkpoint or model leaves when it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.stage import PipelineStage, create_stage
from dvc.stage.loader import StageLoader

from pipeline import paths
from pipeline.common.artifacts import Json
from pipeline.common.yaml_file import read_yaml
from pipeline.workers.refusals import one_sentence

_LOCK = Path("dvc.lock")


def clear_leftovers() -> list[str]:
    """Remove the results that ``dvc.lock`` lists and ``dvc.yaml`` has no stage for; return them.

    Stages depend on the folders of results as a whole, so that a leftover would make them stale in
    a clone, which has none. Only what DVC's cache holds unaltered is removed: it comes back with
    the item that made it.

    Raises:
        UserError: DVC cannot read the study's graph, or another process has the repository.
    """
    if not _LOCK.exists():
        return []
    with one_sentence(), Repo(_wait_for_lock=True) as repo, repo.lock:
        made = {out.fs_path for out in repo.index.outs}
        left = [out for out in _listed(repo) if out.fs_path not in made and not out.status()]
        for out in left:
            out.remove()
            _remove_empty(Path(out.fs_path).parent)
            _forget_time(Path(out.def_path))
        return [out.def_path for out in left]


def _listed(repo: Any) -> Iterator[Any]:
    """The outputs below the results' folder that ``dvc.lock`` lists, with their hashes."""
    for entry in read_yaml(_LOCK).get("stages", {}).values():
        outs = [out for out in entry.get("outs", []) if _is_result(out["path"])]
        if outs:
            yield from _stage(repo, {**entry, "outs": outs}).outs


def _is_result(path: str) -> bool:
    return Path(path).is_relative_to(paths.RESULTS)


def _stage(repo: Any, entry: Json) -> Any:
    places = [out["path"] for out in entry["outs"]]
    stage = create_stage(PipelineStage, repo=repo, path="dvc.yaml", cmd=entry["cmd"], outs=places)
    StageLoader.fill_from_lock(stage, entry)
    return stage


def _forget_time(machine: Path) -> None:
    """Remove a cell's wall time, which DVC does not know, with the record of its machine."""
    if machine.is_relative_to(paths.MACHINE):
        paths.timing(machine.parent.name, machine.stem).unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    """Remove a folder, and those around it, as far as nothing is in them."""
    with suppress(OSError):
        while True:
            folder.rmdir()
            folder = folder.parent
