"""Where text comes from: exactly one of the hub, local files, or the embedded world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.common.checked import Count, Name, Range, check_fields
from pipeline.text import synthetic
from pipeline.text.files import DEFAULT_COLUMN, FilesConfig, lines_of, read_documents, read_rows
from pipeline.text.hub import HubConfig, read_hub
from pipeline.text.json_rows import Row
from pipeline.text.tables import Wanted


@dataclass(frozen=True)
class SyntheticText:
    """``documents`` documents of the embedded world, a ``stray`` share of whose words is any word.

    With 1 the words of a document have nothing in common: a control, in which pretraining cannot
    teach the tasks anything.
    """

    documents: Count
    stray: Annotated[float, Range(least=0, most=1, said="a share from 0 to 1")] = 0.1

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class SyntheticRows:
    """``rows`` examples of one of the embedded world's tasks, of its ``train`` or ``eval`` part."""

    kind: synthetic.Kind
    split: Literal["train", "eval"]
    rows: Count

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class TextSource:
    """A source of documents; ``column`` holds the text where the source is a table."""

    hub: HubConfig | None = None
    files: FilesConfig | None = None
    synthetic: SyntheticText | None = None
    column: Name = DEFAULT_COLUMN

    def __post_init__(self) -> None:
        _exactly_one(self)
        if self.synthetic is not None and self.column != DEFAULT_COLUMN:
            raise ValueError(
                f"column is {self.column!r}, but documents of the embedded world have no columns: "
                "leave it out"
            )

    def documents(self, seed: int) -> Iterator[list[str]]:
        """Yield documents, each a list of lines; lines of the embedded world are sentences."""
        if self.hub is not None:
            for row in read_hub(self.hub):
                yield lines_of(row, self.column, f"hub data set {self.hub.id!r}")
        elif self.files is not None:
            yield from read_documents(self.files, self.column)
        else:
            assert self.synthetic is not None
            made = self.synthetic
            yield from synthetic.documents(seed, made.documents, made.stray)


@dataclass(frozen=True)
class RowSource:
    """A source of labelled rows; ``tag`` is kept with each row (ANLI's round, say)."""

    hub: HubConfig | None = None
    files: FilesConfig | None = None
    synthetic: SyntheticRows | None = None
    tag: Name | None = None

    def __post_init__(self) -> None:
        _exactly_one(self)

    def rows(self, seed: int, wanted: Wanted | None = None) -> Iterator[Row]:
        """Yield rows as column → value; ``wanted`` is what is known of them."""
        if self.hub is not None:
            yield from read_hub(self.hub)
        elif self.files is not None:
            yield from read_rows(self.files, wanted)
        else:
            assert self.synthetic is not None
            made = self.synthetic
            yield from synthetic.examples(made.kind, made.split, made.rows, seed)

    def own_tag(self, row: Row) -> str | None:
        """The round that a row of the embedded world is of, where its task has rounds."""
        return row.get("round") if self.synthetic is not None else None

    def describe(self) -> str:
        """A short name for messages and manifests."""
        if self.hub is not None:
            parts = ("hub", self.hub.id, self.hub.name, self.hub.split)
            return " ".join(part for part in parts if part)
        if self.files is not None:
            return f"files {' '.join(self.files.paths)}"
        assert self.synthetic is not None
        return f"embedded world, {self.synthetic.kind}, {self.synthetic.split}"


def _exactly_one(source: TextSource | RowSource) -> None:
    given = [name for name in ("hub", "files", "synthetic") if getattr(source, name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ValueError(f"give exactly one of hub, files and synthetic, not {found}")
