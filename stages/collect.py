"""Stage ``collect``: all cells into tidy tables."""

from __future__ import annotations

from pipeline import params, paths
from pipeline.report.tables import collect, write_tables
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


if __name__ == "__main__":
    entry.run(main)
