from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.report.comparison.studies import read_studies


def git(*words: str) -> str:
    """Run git as somebody whose settings are nobody's."""
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], capture_output=True,
        text=True, check=True, env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull},
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def history(studies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose study lies below its root: one study, then the other, then neither."""
    one, two = studies
    root = one.parent / "repository"
    (root / "below").mkdir(parents=True)
    monkeypatch.chdir(root)
    git("init", "--quiet")
    for study in (one, two):
        shutil.copytree(study, root / "below", dirs_exist_ok=True)
        git("add", "--all")
        git("commit", "--quiet", "--message", "study")
    # What DVC makes of an experiment.
    git("update-ref", "refs/exps/ab/cdef/quick-try", "HEAD")
    git("rm", "-r", "--quiet", "below/reports")
    git("commit", "--quiet", "--message", "none")
    (root / "below").mkdir(exist_ok=True)
    monkeypatch.chdir(root / "below")
    return root / "below"


def test_revisions_experiments_and_folders_are_studies(
    history: Path, studies: tuple[Path, Path]
) -> None:
    found = read_studies(["HEAD~2", "quick-try", str(studies[1])])
    assert [study.name for study in found] == ["HEAD~2", "quick-try", "two"]
    assert [study.params["seed"] for study in found] == [0, 7, 7]
    assert found[0].commit == git("rev-parse", "--short", "HEAD~2") and not found[0].sources
    assert found[1].cells.equals(found[2].cells) and not found[0].cells.equals(found[2].cells)


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        (["HEAD~2"], "one study alone cannot be compared"),
        (["HEAD~2", "HEAD~2"], "HEAD~2 is named twice"),
        (["HEAD~2", "HEAD"], r"HEAD has no reports/cells\.csv.*commit reports/ there"),
        (["HEAD~2", "nowhere"], "nowhere is neither a folder nor a revision or an experiment"),
        (["HEAD~2", "--help"], "--help is neither a folder nor a revision or an experiment"),
        (["HEAD~2", "."], r"\. has no reports/cells\.csv.*run python -m pipeline repro in \."),
    ],
)
def test_what_is_no_study_is_one_sentence(history: Path, places: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_studies(places)


def test_a_damaged_table_is_named_with_its_study(studies: tuple[Path, Path]) -> None:
    one, two = studies
    table = two / "reports/cells.csv"
    table.write_text(table.read_text().replace("d90_low", "low", 1))
    with pytest.raises(UserError, match=r"two/reports/cells\.csv has no column 'd90_low'"):
        read_studies([str(one), str(two)])
