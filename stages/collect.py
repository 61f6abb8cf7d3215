"""Stage ``collect``: the results of all measured cells into tidy tables."""

from __future__ import annotations

from pipeline import paths
from pipeline.report.beyond import Cells
from pipeline.report.cell import CellSettings, MeasuredCell, SweepCell
from pipeline.report.table1 import published
from pipeline.report.tables import collect, write_tables
from pipeline.study.measured import (
    PlannedSearch,
    certified,
    represented,
    searches,
    task_spaces,
    transferred,
)
from pipeline.study.params import Params
from stages import entry

# Of which cells more than d₉₀ is measured, in the order of `Cells`.
FURTHER = (certified, task_spaces, represented, transferred)


def main() -> None:
    params = entry.params()
    planned = searches(params).values()
    cells = [cell(params, search) for search in planned if search.method is None]
    segments = list(params.segments())
    further = Cells(
        *([cell(params, search) for search in those(params).values()] for those in FURTHER)
    )
    tables = collect(paths.RESULTS, cells, sweeps(params), segments, further)
    write_tables(tables, paths.REPORTS)


def cell(params: Params, search: PlannedSearch) -> MeasuredCell:
    model, settings = search.model, settings_of(params, search)
    if model.family == "zoo":
        return MeasuredCell(model.name, model.label, "zoo", search.task, settings=settings)
    tokens = params.tokens_per_step()
    seen = None if tokens is None else model.step * tokens
    unit = params.trajectory.unit
    return MeasuredCell(
        model.name, model.label, model.family, search.task, unit, seen, settings=settings
    )


def settings_of(params: Params, search: PlannedSearch) -> CellSettings:
    task = params.tasks[search.task]
    recipe = task.finetune
    epochs = params.search.epochs if search.method is None else params.sweep.probes.epochs
    return CellSettings(
        kind=task.data.kind,
        max_length=task.data.max_length,
        batch=recipe.batch,
        full_epochs=recipe.epochs,
        probe_epochs=epochs or recipe.epochs,
        warmup_fraction=recipe.warmup_fraction,
        dropout=recipe.dropout,
        optimizer=recipe.optimizer.name,
        precision=recipe.precision,
    )


def sweeps(params: Params) -> list[SweepCell]:
    values = params.sweep.probes.values()
    return [
        SweepCell(cell(params, search), search.method, values, in_the_paper(params, search))
        for search in searches(params).values()
        if search.method is not None
    ]


def in_the_paper(params: Params, sweep: PlannedSearch) -> int | None:
    """d₉₀ of A21's Table 1 where a model of the hub is measured on the task of GLUE."""
    place, rows = params.zoo.models[sweep.model.name], params.tasks[sweep.task].data.eval
    source = rows[0].hub if len(rows) == 1 else None
    if place.source != "hub" or source is None or not source.id.endswith("glue"):
        return None
    return published(place.id, source.name or "", sweep.method or "")


if __name__ == "__main__":
    entry.run(main)
