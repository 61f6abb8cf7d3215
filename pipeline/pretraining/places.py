"""Where a segment's inputs and outputs are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline import paths


@dataclass(frozen=True)
class Places:
    """The folders a segment reads and writes."""

    tokenizer: Path
    corpus: Path
    model: Path
    state: Path
    scratch: Path

    @staticmethod
    def of(checkpoint: str) -> Places:
        """Those of the checkpoint of that name in the study."""
        return Places(
            tokenizer=paths.TOKENIZER,
            corpus=paths.CORPUS,
            model=paths.model(checkpoint),
            state=paths.state(checkpoint),
            scratch=paths.scratch("pretrain", checkpoint),
        )
