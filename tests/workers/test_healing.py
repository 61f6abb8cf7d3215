from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.workers.driver import reproduce
from pipeline.workers.healing import heal

GRAPH = """
stages:
  single: {cmd: cat source > single, deps: [source], outs: [single]}
  folder: {cmd: mkdir folder && printf 34 > folder/a && echo b > folder/b, deps: [source], outs: [folder]}
"""
NAMES = ("single", "folder/a")


@pytest.fixture
def made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> Path:  # fmt: skip
    """Outputs that are links into DVC's cache, or copies where a test asks for them."""
    # How a command that fails here ended is logged.
    caplog.set_level("INFO")
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    kind = getattr(request, "param", "hardlink")
    with open(tmp_path / ".dvc/config", "a") as stream:
        stream.write(f"[cache]\n    type = {kind}\n")
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    (tmp_path / "source").write_text("12")
    reproduce([], jobs=1)
    return tmp_path


def damage(path: Path) -> None:
    """Change a file in place, as who may write anywhere can."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_text("13")
    path.chmod(mode)


def contents() -> list[str]:
    return [Path(name).read_text() for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_what_dvc_brings_back_damaged_is_found_and_made_again(made: Path, name: str) -> None:
    assert heal() == []
    assert (made / name).stat().st_mode & 0o222 == 0
    damage(made / name)
    with Repo() as repo:
        repo.reproduce()
    assert (made / name).read_text() == "13"  # DVC alone believes its copy
    found = heal()
    assert len(found) == 2 and found[1] == made / name
    assert found[0].is_relative_to(made / ".dvc/cache")
    assert reproduce([], jobs=1) == "stages: 1 ran, 1 unchanged"
    assert contents() == ["12", "34"] and heal() == []


@pytest.mark.parametrize("made", ["copy"], indirect=True)
def test_a_damaged_copy_comes_back_from_the_cache(made: Path) -> None:
    damage(made / "single")
    assert heal() == [made / "single"]
    assert reproduce([], jobs=1) == "stages: 1 restored from the run cache, 1 unchanged"
    assert contents() == ["12", "34"]


def test_a_damaged_list_of_a_folder_is_found(made: Path) -> None:
    (listing,) = (made / ".dvc/cache").rglob("*.dir")
    damage(listing)
    assert heal() == [listing]
    assert reproduce([], jobs=1) == "stages: 1 ran, 1 unchanged"
    assert contents() == ["12", "34"]


def test_without_an_output_there_is_nothing_to_heal(made: Path) -> None:
    shutil.rmtree(made / "folder")
    shutil.rmtree(made / ".dvc/cache")
    assert heal() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_copy_is_not_brought_back(
    made: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The output is gone; what the run cache would bring back is read first."""
    damage(made / name)
    shutil.rmtree(made / "folder")
    (made / "single").unlink()
    with caplog.at_level("INFO"):
        assert reproduce([], jobs=1) == "stages: 1 ran, 1 restored from the run cache"
    assert "cannot be restored: .dvc" in caplog.text and "was damaged" in caplog.text
    assert contents() == ["12", "34"] and heal() == []


@pytest.mark.parametrize("kept", ["up to its outputs", "but for one output"])
def test_a_record_of_the_run_cache_that_lost_its_end_is_not_believed(
    made: Path, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    for record in (made / ".dvc/cache/runs").glob("*/*/*"):
        text = record.read_text()
        end = text.index("outs:") if kept == "up to its outputs" else text.rindex("- ")
        record.chmod(0o644)
        record.write_text(text[:end])
    shutil.rmtree(made / "folder")
    (made / "single").unlink()
    (made / "dvc.lock").unlink()
    with caplog.at_level("INFO"):
        assert reproduce([], jobs=1) == "stages: 2 ran"
    assert contents() == ["12", "34"]
