"""What was spent on each cell, and on which machine, by stage; how long it took is no result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import pandas as pd

from pipeline.common.artifacts import Json
from pipeline.finetuning.result import Cost as Spent
from pipeline.report.columns import Columns, column_types
from pipeline.report.provenance import read_machine
from pipeline.report.trends import POOLED


@dataclass(frozen=True)
class Cost:
    """What a stage's item took; a row for everything of a stage comes before the items.

    Attributes:
        stage: ``baseline`` (full fine-tuning), ``search``, ``sweep``, ``bound`` (certificates),
            ``its`` (task-specific subspaces), ``transfer`` (directions of several tasks), or
            ``representation`` (dimension of hidden states).
        model: the model's name, or ``(all)`` for everything of the stage.
        task: the task's name, or ``(all)`` likewise; empty where it is of no single task.
        method: of a sweep: ``said`` or ``did``.
        runs: how many trainings.
        tokens: trained on.
        flop: of training and evaluations.
        device: on what it was computed; several are set apart by semicolons, and none is named
            where it was not recorded.
        threads: on how many; None where that differs, or was not recorded.
    """

    stage: str
    model: str
    task: str
    method: str
    runs: int
    tokens: int
    flop: float
    device: str = ""
    threads: int | None = None


class Measured(Protocol):
    """The result of a stage for a cell, which knows what it cost."""

    @property
    def model(self) -> str:
        """The measured model's name."""

    @property
    def task(self) -> str:
        """The task's name."""

    @property
    def cost(self) -> Spent:
        """Of all trainings."""


COSTS: Columns = column_types(Cost)


def costs(
    cells: pd.DataFrame,
    swept: pd.DataFrame,
    further: Mapping[str, Iterable[Measured]],
    machines: Path,
) -> list[Json]:
    """A row for everything of each stage, then a row a cell and stage.

    Args:
        cells: a row a cell, with a search (`pipeline.report.columns`).
        swept: a row a sweep, likewise.
        further: what else was measured of cells, by stage.
        machines: the folder of what is filed of machines, which need not be complete.
    """
    items = [
        *_items(cells, "baseline", machines / "baseline"),
        *_items(cells, "search", machines / "search"),
        *_items(swept, "sweep", machines / "search"),
        *_further(further, machines),
    ]
    totals = [
        _total([item for item in items if item.stage == stage])
        for stage in dict.fromkeys(item.stage for item in items)
    ]
    return [asdict(row) for row in (*totals, *items)]


def _items(cells: pd.DataFrame, stage: str, machines: Path) -> Iterator[Cost]:
    prefix = "full" if stage == "baseline" else "search"
    for _, row in cells.iterrows():
        model, task = str(row["model"]), str(row["task"])
        method = str(row["method"]) if stage == "sweep" else ""
        spent = {name: row[f"{prefix}_cost_{name}"] for name in ("runs", "tokens", "flop")}
        yield _measured(Cost(stage, model, task, method, **spent), machines)


def _further(results: Mapping[str, Iterable[Measured]], machines: Path) -> Iterator[Cost]:
    for stage, measured in results.items():
        for one in measured:
            item = Cost(stage, one.model, one.task, "", **asdict(one.cost))
            yield _measured(item, machines / stage)


def _measured(item: Cost, machines: Path) -> Cost:
    """With the machine that is filed of it, if one is."""
    key = "-".join(filter(None, (item.model, item.task, item.method)))
    on = read_machine(machines / f"{key}.json")
    return item if on is None else replace(item, device=on.device, threads=on.threads)


def _total(items: Sequence[Cost]) -> Cost:
    threads = {item.threads for item in items}
    return replace(
        items[0],
        model=POOLED,
        task=POOLED,
        method="",
        runs=sum(item.runs for item in items),
        tokens=sum(item.tokens for item in items),
        flop=sum(item.flop for item in items),
        device="; ".join(sorted({item.device for item in items} - {""})),
        threads=threads.pop() if len(threads) == 1 else None,
    )
