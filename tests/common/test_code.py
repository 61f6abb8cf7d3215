from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.common import code


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(Path(code.__file__).parents[1] / "tasks", tmp_path / "tasks")
    shutil.copytree(Path(code.__file__).parents[1] / "models", tmp_path / "models")
    monkeypatch.setattr(code, "_PACKAGES", tmp_path)
    code.code_hash.cache_clear()
    yield
    code.code_hash.cache_clear()


def test_an_edit_of_a_package_changes_its_hash_alone(tmp_path: Path) -> None:
    tasks, models = code.code_hash("tasks"), code.code_hash("models")
    path = tmp_path / "tasks/kinds/classification.py"
    path.write_text(path.read_text() + "\nEDITED = 1\n")
    code.code_hash.cache_clear()
    assert code.code_hash("tasks") != tasks and code.code_hash("models") == models


def test_a_module_that_is_moved_is_another_one(tmp_path: Path) -> None:
    before = code.code_hash("models")
    (tmp_path / "models/flops.py").rename(tmp_path / "models/flop.py")
    code.code_hash.cache_clear()
    assert code.code_hash("models") != before
