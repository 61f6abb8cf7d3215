"""Stage ``collect``: all cells into tidy tables."""

from __future__ import annotations

from itertools import product

from pipeline import paths
from pipeline.report.tables import collect, write_tables
from pipeline.report.zoo_tables import SweepCell, ZooTables, collect_zoo, write_zoo
from pipeline.study import params
from pipeline.study.zoo import published
from stages import entry


def main() -> None:
    config = params.load()
    trajectory = config.trajectory
    tables = collect(
        paths.RESULTS,
        trajectory.checkpoints,
        list(config.tasks),
        trajectory.unit,
        config.tokens_per_step(),
    )
    write_tables(tables, paths.REPORTS)
    write_zoo(zoo(config), paths.REPORTS)


def zoo(config: params.Params) -> ZooTables:
    models, sweep = config.zoo, config.sweep
    cells = [
        SweepCell(
            model,
            models.label(model),
            task,
            method,
            published(models.models[model], config.tasks[task].data, method),
        )
        for model, task, method in product(sweep.models, sweep.tasks, sweep.methods)
    ]
    labels = {name: models.label(name) for name in models.models}
    return collect_zoo(paths.RESULTS, labels, models.search, cells, sweep.probes)


if __name__ == "__main__":
    entry.run(main)
