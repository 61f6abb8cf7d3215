"""Checkpoint suites: a pretraining trajectory that others published, one model a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.common.checked import Name
from pipeline.published.place import Place


@dataclass(frozen=True)
class Pattern:
    """Where each checkpoint lies; ``{step}`` and ``{label}`` stand for its own.

    A repository a step (``id: google/multiberts-seed_0-step_{label}``), a revision a step
    (``revision: step{step}``) or a folder a step (``folder: checkpoint-{step}``). ``tokenizer`` and
    ``pad_token`` are those of `Place`, the same for all.
    """

    id: Name
    revision: Name | None = None
    folder: Name | None = None
    tokenizer: Name | None = None
    tokenizer_revision: Name | None = None
    pad_token: Name | None = None

    def place(
        self, source: Literal["hub", "folder"], step: int, label: str, revision: str | None = None
    ) -> Place:
        """Where the checkpoint of that step and label lies; ``revision`` pins it to a commit.

        Raises:
            ValueError: a local folder is given a revision.
        """
        fill = _Filling(step, label)
        return Place(
            id=fill(self.id),
            source=source,
            revision=revision or (self.revision and fill(self.revision)),
            folder=self.folder and fill(self.folder),
            tokenizer=self.tokenizer,
            tokenizer_revision=self.tokenizer_revision,
            pad_token=self.pad_token,
        )


@dataclass(frozen=True)
class _Filling:
    """Replaces ``{step}`` and ``{label}``; other braces stay, for nothing else is meant by them."""

    step: int
    label: str

    def __call__(self, text: str) -> str:
        return text.replace("{step}", str(self.step)).replace("{label}", self.label)
