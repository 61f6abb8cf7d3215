"""Where a published model lies: data only, never code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Place:
    """Where a published model lies: on the hub, or in a local folder.

    ``id`` is the repository or the local folder, ``revision`` its branch, tag or (pinned) commit,
    ``folder`` a folder inside. ``tokenizer`` is another place of the same source to take the
    tokenizer from, for checkpoints that lack one. ``pad_token`` names the token that pads, for
    decoders whose tokenizer has none.
    """

    id: str
    source: Literal["hub", "folder"] = "hub"
    revision: str | None = None
    folder: str | None = None
    tokenizer: str | None = None
    tokenizer_revision: str | None = None
    pad_token: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("id must name a repository of the hub or a folder")
        if self.source == "folder" and (self.revision or self.tokenizer_revision):
            raise ValueError("a revision is for models of the hub: a local folder has none")
        if self.folder and (Path(self.folder).is_absolute() or ".." in Path(self.folder).parts):
            raise ValueError(f"folder is {self.folder!r}, but must name a folder inside of id")

    def describe(self) -> str:
        """The place in a few words, for messages."""
        revision = f" at {self.revision}" if self.revision else ""
        inside = f", folder {self.folder}" if self.folder else ""
        return f"{self.source} {self.id}{revision}{inside}"
