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
    code._hashes.cache_clear()
    yield
    code._hashes.cache_clear()


def test_an_edit_of_a_package_changes_its_hash_alone(tmp_path: Path) -> None:
    tasks, models = code.code_hash("tasks"), code.code_hash("models")
    path = tmp_path / "tasks/kinds/classification.py"
    path.write_text(path.read_text() + "\nEDITED = 1\n")
    code._hashes.cache_clear()
    assert code.code_hash("tasks") != tasks and code.code_hash("models") == models


def test_a_module_that_is_moved_is_another_one(tmp_path: Path) -> None:
    before = code.code_hash("models")
    (tmp_path / "models/flops.py").rename(tmp_path / "models/flop.py")
    code._hashes.cache_clear()
    assert code.code_hash("models") != before


EDITS = {
    "a comment": (lambda text: "# edited\n" + text, True),
    "a docstring": (lambda text: text.replace('"""', '"""Edited: ', 1), True),
    "a line break": (lambda text: text.replace("\n\n\ndef", "\n\n\n\ndef"), True),
    "a number": (lambda text: text.replace("return float(", "return 2.0 * float(", 1), False),
    "an operator": (lambda text: text.replace("answers == labels", "answers != labels"), False),
}


@pytest.mark.parametrize("edit", EDITS)
def test_only_what_the_code_does_counts(tmp_path: Path, edit: str) -> None:
    change, same = EDITS[edit]
    path = tmp_path / "tasks/kinds/classification.py"
    before, source = code.code_hash("tasks"), code.source_hash()
    changed = change(path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    code._hashes.cache_clear()
    assert (code.code_hash("tasks") == before) is same
    assert code.source_hash() != source
