"""Stage ``collect``: the results of all measured cells into tidy tables."""

from __future__ import annotations

from itertools import product

from pipeline import paths
from pipeline.report.cell import MeasuredCell, SweepCell
from pipeline.report.table1 import published
from pipeline.report.tables import collect, write_tables
from pipeline.study import params
from stages import entry


def main() -> None:
    config = params.load()
    tables = collect(paths.RESULTS, [*trajectory(config), *zoo(config)], sweeps(config))
    write_tables(tables, paths.REPORTS)


def trajectory(config: params.Params) -> list[MeasuredCell]:
    along, tokens = config.trajectory, config.tokens_per_step()
    return [
        MeasuredCell(
            name, name, "trajectory", task, along.unit, None if tokens is None else step * tokens
        )
        for (name, step), task in product(along.checkpoints.items(), config.tasks)
    ]


def zoo(config: params.Params) -> list[MeasuredCell]:
    return [of_zoo(config, *pair) for pair in product(config.zoo.models, config.zoo.search)]


def of_zoo(config: params.Params, model: str, task: str) -> MeasuredCell:
    return MeasuredCell(model, config.zoo.label(model), "zoo", task)


def sweeps(config: params.Params) -> list[SweepCell]:
    sweep = config.sweep
    return [
        SweepCell(
            of_zoo(config, model, task), method, sweep.probes.values(),
            in_the_paper(config, model, task, method),
        )
        for model, task, method in product(sweep.models, sweep.tasks, sweep.methods)
    ]  # fmt: skip


def in_the_paper(config: params.Params, model: str, task: str, method: str) -> int | None:
    """d₉₀ of A21's Table 1 where a model of the hub is measured on the task of GLUE."""
    place, rows = config.zoo.models[model], config.tasks[task].data.eval
    source = rows[0].hub if len(rows) == 1 else None
    if place.source != "hub" or source is None or not source.id.endswith("glue"):
        return None
    return published(place.id, source.name or "", method)


if __name__ == "__main__":
    entry.run(main)
