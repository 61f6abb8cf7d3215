"""Which cells of several studies differ: those whose 95 % intervals have no d in common."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import combinations

import pandas as pd

from pipeline.report.comparison.studies import Study
from pipeline.report.known import PLACES, extent, placed

# Of independent estimates of one d₉₀ with equal errors, intervals of 95 % are apart this often: a
# normal deviate is beyond 2 · 1.96 / √2 on either side.
BY_CHANCE = 0.0056


class Agreement(str, Enum):
    """What the studies say of one cell together."""

    DIFFERS = "differs"
    OVERLAPS = "overlaps"
    ONE_SIDED = "one-sided"
    NONE = "none"
    ALONE = "alone"

    @property
    def sentence(self) -> str:
        """What it means, for a heading."""
        return _SENTENCES[self]


_SENTENCES = {
    Agreement.DIFFERS: "intervals of two studies have no d in common",
    Agreement.OVERLAPS: "all intervals overlap",
    Agreement.ONE_SIDED: "some of the studies have a d₉₀, others have none",
    Agreement.NONE: "no study has a d₉₀",
    Agreement.ALONE: "not a cell of every study",
}
_KEY = ["family", "at", "task"]


def compared(studies: Sequence[Study]) -> pd.DataFrame:
    """A row a study and cell, the cells of all studies under each other.

    Checkpoints of a trajectory are the same cell where their steps are, whatever they are called;
    models beside it where their labels are.

    Returns:
        The studies' columns and ``study``; ``at``, the place in the study; ``agreement``
        (`Agreement`) and ``apart``, between which studies, the same in all rows of a cell.
    """
    frames = [one.cells.assign(study=one.name, at=_places(one.cells)) for one in studies]
    every = pd.concat(frames, ignore_index=True)
    judged = [
        rows.assign(agreement=agreement.value, apart=apart)
        for _, rows in every.groupby(_KEY, sort=False)
        for agreement, apart in [_judge(rows, len(studies))]
    ]
    first = ["study", *_KEY, "agreement", "apart"]
    rest = [name for name in every.columns if name not in first]
    return pd.concat(judged, ignore_index=True)[[*first, *rest]] if judged else every


def counts(cells: pd.DataFrame) -> dict[Agreement, int]:
    """How many cells there are of each kind, those of the most interest first."""
    if cells.empty:
        return {}
    found = cells.drop_duplicates(_KEY)["agreement"].value_counts()
    return {kind: int(found[kind.value]) for kind in Agreement if kind.value in found}


def _places(cells: pd.DataFrame) -> pd.Series:
    """Where each cell stands in its study: ``update 400``, or a model's label."""
    own = [
        f"{str(row['unit']).removesuffix('s')} {row['step']}"
        if row["family"] == "trajectory"
        else str(row["label"])
        for _, row in cells.iterrows()
    ]
    places = pd.Series(own, index=cells.index, dtype=object)
    # Branches of one pretraining may have checkpoints at the same update.
    twice = cells.assign(at=places).duplicated(_KEY, keep=False)
    return places.mask(twice, places + " (" + cells["model"].astype(str) + ")")


def _judge(rows: pd.DataFrame, studies: int) -> tuple[Agreement, str]:
    """What the rows of one cell say together, and which studies are apart: ``b > a; c > a``."""
    if len(rows) < studies:
        return Agreement.ALONE, ""
    known = placed(rows, *PLACES)
    if known.empty:
        return Agreement.NONE, ""
    if len(known) < len(rows):
        return Agreement.ONE_SIDED, ""
    ends = {str(row["study"]): extent(row) for _, row in known.iterrows()}
    apart = [
        f"{high} > {low}"
        for one, other in combinations(ends, 2)
        for low, high in ((one, other), (other, one))
        if ends[low][1] < ends[high][0]
    ]
    return (Agreement.DIFFERS if apart else Agreement.OVERLAPS), "; ".join(apart)
