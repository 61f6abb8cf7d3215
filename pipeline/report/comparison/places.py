"""Where a study that is compared lies: a folder, a git revision, or one of DVC's experiments."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import UserError

# Relative to the study's root.
TABLE, PARAMS, LOCK = "reports/cells.csv", "params.yaml", "dvc.lock"
_FILES = (TABLE, PARAMS, LOCK)
# Where DVC keeps experiments, whose last part is the name that it shows.
_EXPERIMENTS = "refs/exps"


def located(place: str, folder: Path) -> Path:
    """The folder in which a study's files are found.

    Args:
        place: a folder with a study; else a revision of the git repository around the working
            directory, or the name of an experiment in it.
        folder: where a revision's files are put.

    Raises:
        UserError: there is no such place, or no tables of a study in it.
    """
    if Path(place).is_dir():
        root = Path(place)
        remedy = f"run python -m pipeline repro in {place}"
    else:
        commit, root = _commit(place), folder
        _check_out(commit, folder)
        remedy = "commit reports/ there, or name a folder with the study"
    if not (root / TABLE).exists():
        raise UserError(f"{place} has no {TABLE}, which is what studies are compared by: {remedy}")
    return root


def commit_of(place: str) -> str:
    """The commit of a study, abbreviated, for the record; empty where git knows none."""
    if Path(place).is_dir():
        return _git(["-C", place, "rev-parse", "--short", "HEAD"]) or ""
    return _git(["rev-parse", "--short", _commit(place)]) or ""


def _commit(place: str) -> str:
    revision = _git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{place}^{{commit}}"])
    if revision:
        return revision.split()[-1]
    known = (_git(["for-each-ref", "--format=%(refname)", _EXPERIMENTS]) or "").split()
    for reference in known:
        if reference.rpartition("/")[2] == place:
            return reference
    raise UserError(
        f"{place} is neither a folder nor a revision or an experiment of this repository: give a "
        "folder with reports/cells.csv, or what git log or dvc exp list show"
    )


def _check_out(commit: str, folder: Path) -> None:
    """Put the files of a commit that studies are compared by into a folder, as far as it has them.

    Paths are relative to the working directory: a study may lie below a repository's root.
    """
    for name in _FILES:
        found = _run(["show", f"{commit}:./{name}"])
        if found.returncode == 0:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(found.stdout)


def _git(arguments: Sequence[str]) -> str | None:
    """What git prints; None where it refuses."""
    done = _run(arguments)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False)
    except OSError as error:
        raise UserError(f"git cannot be run ({error}): give folders instead") from error
