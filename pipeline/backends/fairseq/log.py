"""What fairseq-train says while it runs: rows of the training log, and what must not be ignored."""

from __future__ import annotations

import json
import logging
import math
import time
from typing import Any

from pipeline.errors import UserError

_LOG = logging.getLogger(__name__)
_MARK = "| train_inner | "
_REPORT_SECONDS = 10.0


def parse(line: str) -> dict[str, Any] | None:
    """The row of the training log that a line of fairseq's is, or none.

    ``loss`` is the mean of the updates since the row before, in nats: fairseq's losses are in bits.

    Raises:
        UserError: fairseq says that it leaves out lines that are too long.
    """
    if "samples have invalid sizes and will be skipped" in line:
        raise UserError(f"fairseq-train leaves lines out: {line.rpartition('| ')[2].strip()}")
    _, mark, text = line.partition(_MARK)
    if not mark or not text.startswith("{"):
        return None
    stats = json.loads(text)
    return {
        "step": int(stats["num_updates"]),
        "loss": float(stats["loss"]) * math.log(2),
        "gradient_norm": float(stats["gnorm"]),
        "learning_rate": float(stats["lr"]),
    }


class Progress:
    """Says how far a segment is, not more often than every ten seconds."""

    def __init__(self, stop: int, tokens: int) -> None:
        self._stop, self._tokens = stop, tokens
        self._start = self._last = 0.0
        self._first: int | None = None

    def __call__(self, row: dict[str, Any]) -> None:
        """Report the log's newest row."""
        now, done = time.monotonic(), row["step"]
        if self._first is None:
            # From here on, so that the time fairseq takes to start does not count.
            self._first, self._start, self._last = done, now, now
        if now - self._last < _REPORT_SECONDS and done < self._stop:
            return
        self._last = now
        pace = (done - self._first) / max(now - self._start, 1e-9)
        _LOG.info(
            "update %d of %d: loss %.3f, perplexity %.1f, gradient norm %.2g, %.0f tokens/s",
            done, self._stop, row["loss"], math.exp(row["loss"]), row["gradient_norm"],
            pace * self._tokens,
        )  # fmt: skip
