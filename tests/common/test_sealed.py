from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.common.manifest import TOKENIZER_MANIFEST, check_tokenizer, seal
from pipeline.common.sealed import read_jsonl, read_sealed, write_jsonl, write_sealed
from pipeline.errors import UserError

VALUE = {"status": "ok", "d90": 64, "runs": (0.5, 1.0), "inputs": {"task": "ä"}, "rate": None}
HEAL = "run python -m pipeline heal, then dvc repro"


def test_a_sealed_object_says_what_was_written_and_no_more(tmp_path: Path) -> None:
    write_sealed(tmp_path / "a.json", VALUE)
    assert read_sealed(tmp_path / "a.json") == {**VALUE, "runs": [0.5, 1.0]}


DAMAGES = {
    "a number": lambda text: text.replace("64", "65"),
    "a word": lambda text: text.replace('"ok"', '"no"'),
    "a key": lambda text: text.replace('"rate"', '"gate"'),
    "one key less": lambda text: text.replace('  "rate": null,\n', ""),
    "no seal": lambda text: json.dumps(VALUE),
    "no object": lambda text: "[]",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_changed_is_refused_with_the_command_that_heals(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "a.json"
    write_sealed(path, VALUE)
    changed = DAMAGES[damage](path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    with pytest.raises(UserError, match=rf"a\.json is missing, truncated or altered.*{HEAL}"):
        read_sealed(path)


def test_rows_are_refused_when_one_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"d": 8, "metric": 0.25}, {"d": 16, "metric": 0.5}]
    write_jsonl(path, rows, ["s0", "own"])
    assert read_jsonl(path, ["s0", "own"]) == rows
    whole = path.read_text()
    first, second = whole.splitlines(keepends=True)
    altered = (whole.replace("0.25", "0.75"), whole[:-5], "\n", "\0")
    for damage in (*altered, "", first, second, second + first, whole + first):
        path.write_text(damage)
        with pytest.raises(UserError, match=rf"a\.jsonl is missing, truncated.*{HEAL}"):
            read_jsonl(path, ["s0", "own"])


def test_rows_are_refused_in_another_items_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for rows in ([{"d": 8}], []):
        write_jsonl(path, rows, ["s0", "own"])
        assert read_jsonl(path, ["s0", "own"]) == rows
        for other in ([], ["s1", "own"], ["s0", "other"]):
            with pytest.raises(UserError, match=rf"a\.jsonl is missing, truncated.*{HEAL}"):
                read_jsonl(path, other)


@pytest.mark.parametrize("name", [TOKENIZER_MANIFEST, "checkpoint.json"])
def test_a_vocabulary_is_checked_in_a_folder_of_ours(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    check_tokenizer(tmp_path)  # of others: nothing to check it with
    seal(tmp_path, name)
    check_tokenizer(tmp_path)
    path.write_text("{ }")
    with pytest.raises(UserError, match=rf"tokenizer\.json is missing, truncated.*{HEAL}"):
        check_tokenizer(tmp_path)
