"""Pickled weights that would be much more in memory than in their file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

# A tensor that several layers share lies in the file once and is written out once a layer.
_SHARED = 8


def check_archive(path: Path) -> None:
    """Check that the entries of torch's zip come to no more than the file: it compresses none.

    Raises:
        UserError: they declare more, as those of a zip bomb do. Nothing is unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return  # torch's older format, or a damaged or missing file: torch says so
    if declared > path.stat().st_size:
        raise UserError(
            f"{path} is {path.stat().st_size} bytes and unpacks to {declared}, which no file that "
            "torch wrote does: save the weights anew with torch.save, or as safetensors"
        )


def check_tensors(tensors: Iterable[Tensor], path: Path) -> None:
    """Check that tensors read from a file are not much larger once each has memory of its own.

    Raises:
        UserError: they are, as a single number that is shown as a huge matrix is.
    """
    written, size = sum(tensor.nbytes for tensor in tensors), path.stat().st_size
    if written > _SHARED * size:
        raise UserError(
            f"{path} is {size} bytes, but its tensors would be {written}: save the weights anew, "
            "each as a tensor of its own"
        )
