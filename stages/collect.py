"""Stage ``collect``: all cells into tidy tables."""

from __future__ import annotations

from pipeline import params, paths
from pipeline.report.tables import collect, write_tables
from stages import entry


def main() -> None:
    config = params.load()
    tables = collect(paths.RESULTS, config.trajectory.checkpoints, list(config.tasks))
    write_tables(tables, paths.REPORTS)


if __name__ == "__main__":
    entry.run(main)
