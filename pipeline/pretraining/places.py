"""Where a segment's inputs and outputs are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders a segment reads and writes."""

    tokenizer: Path
    corpus: Path
    model: Path
    state: Path
    scratch: Path
