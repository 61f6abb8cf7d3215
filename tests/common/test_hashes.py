from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.common.hashes import write_hashes
from pipeline.errors import UserError


def test_hashes_change_with_the_content_of_a_file_and_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "my/deep").mkdir(parents=True)
    (tmp_path / "my/deep/a.tsv").write_text("1")
    seen = []
    for place in ("my", "my/deep/a.tsv"):
        for text in ("1", "2"):
            (tmp_path / "my/deep/a.tsv").write_text(text)
            write_hashes(tmp_path / place, tmp_path / "out.json")
            seen.append((tmp_path / "out.json").read_text())
    assert len(set(seen)) == 4
    assert list(json.loads(seen[0])["sha256"]) == [str(tmp_path / "my/deep/a.tsv")]


def test_a_link_out_of_the_folder_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "my").mkdir()
    os.mkfifo(tmp_path / "canary")  # whoever reads it waits forever
    (tmp_path / "my/a.tsv").symlink_to(tmp_path / "canary")
    with pytest.raises(UserError, match=r"my/a\.tsv leads out of .*/my"):
        write_hashes(tmp_path / "my", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"a\.tsv, which params\.yaml names under files, is missing"
    ):
        write_hashes(tmp_path / "a.tsv", tmp_path / "out.json")
