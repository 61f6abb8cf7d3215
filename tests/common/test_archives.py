from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from pipeline.common.archives import check_archive, check_tensors
from pipeline.errors import UserError


def test_what_torch_writes_passes(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    shared = torch.zeros(10_000)
    state = {"a": shared, "b": shared, "c": shared.view(100, 100)}
    torch.save(state, path)
    check_archive(path)
    check_tensors(torch.load(path, weights_only=True).values(), path)
    torch.save(state, path, _use_new_zipfile_serialization=False)
    check_archive(path)
    check_archive(tmp_path / "absent")


def test_a_zip_that_unpacks_to_more_than_it_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    torch.save({"a": torch.zeros(1_000_000)}, path)
    with (
        zipfile.ZipFile(path) as plain,
        zipfile.ZipFile(tmp_path / "bomb.bin", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in plain.infolist():
            bomb.writestr(entry.filename, plain.read(entry))
    with pytest.raises(UserError, match=r"bomb\.bin is \d+ bytes and unpacks to 40\d+"):
        check_archive(tmp_path / "bomb.bin")


def test_a_number_shown_as_a_huge_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    torch.save({"a": torch.zeros(1).expand(1 << 20, 1 << 20)}, path)
    with pytest.raises(UserError, match=r"its tensors would be 4398046511104"):
        check_tensors(torch.load(path, weights_only=True).values(), path)
