"""Stage ``report``: the figures and the page, from the tables alone."""

from __future__ import annotations

from pipeline import paths
from pipeline.report.figures import draw_all
from pipeline.report.page import write_page
from pipeline.report.provenance import provenance
from pipeline.report.tables import read_tables
from stages import entry


def main() -> None:
    config = entry.params().report
    tables = read_tables(paths.REPORTS)
    figures = paths.REPORTS / "figures"
    draw_all(tables, config, figures)
    facts = provenance(paths.PARAMS, paths.MACHINE)
    write_page(tables, facts, figures, paths.REPORTS / "index.html")


if __name__ == "__main__":
    entry.run(main)
