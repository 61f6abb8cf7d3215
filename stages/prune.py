"""``python -m stages.prune``: drop the training state of checkpoints that others went on from.

It obeys ``pretrain.keep_state`` and removes the state from the workspace and from DVC's cache.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from pipeline import paths
from pipeline.common.sealed import damaged
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from stages import entry


def main() -> None:
    params = entry.params()
    if params.pretrain.keep_state == "all":
        raise UserError("pretrain.keep_state is all: set it to last in params.yaml to prune states")
    lock = Path("dvc.lock")
    if not lock.exists():
        raise UserError("dvc.lock is missing: there is nothing to prune before dvc repro has run")
    outs = _outs(read_yaml(lock))
    segments = params.segments()
    grown = {
        before
        for name, before in segments.items()
        if str(paths.model(name)) in outs and paths.model(name).exists()
    }
    needed = {before for name, before in segments.items() if not paths.model(name).exists()}
    states = {str(paths.state(name)) for name in grown - needed}
    pruned = sorted(path for path in states if Path(path).exists())
    with Repo() as repo:
        cache = Path(repo.cache.local.path)
    kept = {md5 for path in outs.keys() - states for md5 in _objects(cache, outs[path])}
    for path in states & outs.keys():
        shutil.rmtree(path, ignore_errors=True)
        for md5 in _objects(cache, outs[path]) - kept:
            _place(cache, md5).unlink(missing_ok=True)
    logging.getLogger(__name__).info(
        "pruned %s; from now on run: dvc repro --allow-missing", ", ".join(pruned) or "nothing"
    )


def _outs(lock: dict[str, Any]) -> dict[str, str]:
    """MD5 of each output by path."""
    stages = lock.get("stages", {}).values()
    return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}


def _objects(cache: Path, md5: str) -> set[str]:
    """What an output consists of in the cache: its own object, and a folder's files."""
    place = _place(cache, md5)
    if not md5.endswith(".dir") or not place.exists():
        return {md5}
    content = place.read_bytes()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        raise damaged(place)
    return {md5} | {item["md5"] for item in json.loads(content)}


def _place(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]


if __name__ == "__main__":
    entry.run(main)
