"""Compressed files as text, as far as what comes out is in proportion to what lies on disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

from pipeline.common.pointers import check_no_pointer
from pipeline.errors import UserError

# Text shrinks to a tenth; a file of zeros to a thousandth, and with zst to next to nothing.
_RATIO = 100
# Small files may well repeat themselves.
_FREE = 1 << 24
_CHUNK = 1 << 20


class Meter:
    """Adds up what a file has come to in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = max(_FREE, _RATIO * path.stat().st_size)

    def add(self, size: int) -> None:
        """Count ``size`` bytes more.

        Raises:
            UserError: the file comes to more than text does.
        """
        self._left -= size
        if self._left < 0:
            raise UserError(
                f"{self._path} unpacks to more than {_RATIO} times its size, which no text does: "
                "if it is right, unpack it yourself"
            )


def open_text(path: Path) -> IO[str]:
    """Open a file of UTF-8, plain, gz or zst, to be read by lines; only a line feed ends one.

    A file whose beginning has carriage returns and no line feed is of a system that ends its lines
    with them.

    Raises:
        UserError: at a read, a NUL byte, or a file that unpacks to more than text does.
    """
    check_no_pointer(path)
    raw = io.BufferedReader(_Unpacked(path), _CHUNK)
    head = raw.peek(_CHUNK)
    newline = "" if b"\r" in head and b"\n" not in head else "\n"
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline=newline)


class _Unpacked(io.RawIOBase):
    """The bytes of a file, unpacked while they are asked for."""

    def __init__(self, path: Path) -> None:
        import pyarrow

        # pyarrow reads gz and zst of several frames, and unlike zstandard's reader notices a torn
        # end.
        self._stream = pyarrow.input_stream(str(path), compression="detect")
        self._meter = Meter(path)
        self._path, self._read = path, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(len(buffer))
        self._meter.add(len(chunk))
        if (place := chunk.find(b"\0")) >= 0:
            raise UserError(
                f"{self._path} holds a NUL (byte {self._read + place}), which no text in UTF-8 "
                "does: it may be torn, or UTF-16; save it as UTF-8"
            )
        self._read += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._stream.close()
        super().close()
