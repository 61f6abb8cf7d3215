"""A study as it is compared: its cells, what it was asked, and what it was made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from pipeline.common.artifacts import Json
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.report.columns import Columns, cell_columns
from pipeline.report.comparison.places import LOCK, PARAMS, TABLE, commit_of, located
from pipeline.report.comparison.sources import sources
from pipeline.report.tables import read_columns

# What is compared of a cell: studies of other versions may have fewer columns beside, or more.
_NEEDED = (
    "model", "label", "family", "step", "unit", "tokens_seen", "task", "metric", "status", "d90",
    "d90_low", "d90_high", "d90_above", "d_min", "d_max", "target", "full_metric", "probes",
    "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Study:
    """A study beside others.

    Attributes:
        name: what it is called on the page: the last part of its place where that tells it apart.
        place: the folder, revision or experiment that was asked for.
        commit: of the study, abbreviated; empty without git.
        cells: a row a measured model and task, of those columns that comparing needs.
        params: what its params.yaml says, as it is written there.
        sources: the hash of each piece of code and data that it was made with, by its path; empty
            where DVC recorded none.
    """

    name: str
    place: str
    commit: str
    cells: pd.DataFrame
    params: Json
    sources: dict[str, str]


def read_studies(places: Sequence[str]) -> list[Study]:
    """Read the studies that are compared, in the order in which they are named.

    Raises:
        UserError: fewer than two, one named twice, or one that cannot be read.
    """
    if len(places) < 2:
        raise UserError("one study alone cannot be compared: name two or more")
    twice = [place for place in places if places.count(place) > 1]
    if twice:
        raise UserError(f"{twice[0]} is named twice: name each study once")
    return [_read(place, name) for place, name in zip(places, _names(places), strict=True)]


def _names(places: Sequence[str]) -> list[str]:
    """Short names; the places as they were given where those would be the same."""
    short = [Path(place).resolve().name if Path(place).is_dir() else place for place in places]
    return short if len({*short}) == len(short) else list(places)


def _read(place: str, name: str) -> Study:
    columns: Columns = {column: cell_columns()[column] for column in _NEEDED}
    with TemporaryDirectory() as folder:
        root = located(place, Path(folder))
        try:
            return Study(
                name,
                place,
                commit_of(place),
                read_columns(root / TABLE, columns),
                read_yaml(root / PARAMS),
                sources(root / LOCK),
            )
        except UserError as error:
            # A revision's files lie in a folder that is gone by now.
            text = str(error).replace(f"{folder}/", "")
            raise UserError(f"{place}: {text}") from error
