"""Files that DVC could not take into its cache: it logs that, and goes on as if they were there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOGGER = "dvc_data.hashfile.transfer"


@contextmanager
def heeded() -> Iterator[None]:
    """Raise, in place of whatever the block comes to, the first failure that DVC only logs."""
    failures = _Failures()
    logger = logging.getLogger(_LOGGER)
    logger.addFilter(failures)
    try:
        yield
    except Exception as error:
        raise (failures.first or error) from None
    finally:
        logger.removeFilter(failures)
    if failures.first:
        raise failures.first


class _Failures(logging.Filter):
    """Keeps the first error of what is logged, and lets nothing of it be said with a traceback."""

    first: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        self.first = self.first or error
        _remove_half(error)
        return error is None


def _remove_half(error: BaseException | None) -> None:
    """Remove the file that DVC was copying to, which it leaves behind under a name of its own."""
    half = Path(str(getattr(error, "filename2", None) or "none"))
    if half.suffix == ".tmp":
        half.unlink(missing_ok=True)
