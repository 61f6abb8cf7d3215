"""Where a published model lies: data only, never code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.common.checked import Name, check_fields


@dataclass(frozen=True)
class Place:
    """Where a published model lies: on the hub, or in a local folder.

    ``id`` is the repository or the local folder, ``revision`` its branch, tag or (pinned) commit,
    ``folder`` a folder inside. ``tokenizer`` is another place of the same source to take the
    tokenizer from, for checkpoints that lack one. ``pad_token`` names the token that pads, for
    decoders whose tokenizer has none.
    """

    id: Name
    source: Literal["hub", "folder"] = "hub"
    revision: Name | None = None
    folder: Name | None = None
    tokenizer: Name | None = None
    tokenizer_revision: Name | None = None
    pad_token: Name | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.source == "folder" and (self.revision or self.tokenizer_revision):
            raise ValueError("a revision is for models of the hub: a local folder has none")
        if self.folder and (Path(self.folder).is_absolute() or ".." in Path(self.folder).parts):
            raise ValueError(f"folder is {self.folder!r}, but must name a folder inside of id")

    def describe(self) -> str:
        """The place in a few words, for messages."""
        revision = f" at {self.revision}" if self.revision else ""
        inside = f", folder {self.folder}" if self.folder else ""
        return f"{self.source} {self.id}{revision}{inside}"
