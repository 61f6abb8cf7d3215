"""A Git LFS pointer is no text to read, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.pointers import check_no_pointer
from pipeline.errors import UserError
from pipeline.text.files import FilesConfig, read_documents

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 440449768\n"


def test_a_pointer_is_refused_and_text_about_one_is_not(tmp_path: Path) -> None:
    for content in ("", "version 2 of a text", "A line.\n" + POINTER):
        (tmp_path / "a.txt").write_text(content)
        check_no_pointer(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_text(POINTER)
    with pytest.raises(UserError, match=r"a\.txt is a Git LFS pointer"):
        list(read_documents(FilesConfig((str(tmp_path / "a.txt"),)), "text"))
