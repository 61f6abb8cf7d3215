from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from pipeline.report.comparison.page import write_comparison
from pipeline.report.comparison.studies import read_studies

SEED = [("seed", ("0", "7"))]


def test_the_page_names_the_parameter_and_the_cells_that_moved(
    studies: tuple[Path, Path], tmp_path: Path
) -> None:
    said = write_comparison(read_studies([str(one) for one in studies]), SEED, tmp_path / "out")
    assert said.splitlines() == [
        "seed: one 0; two 7",
        "easy at update 10: one 512 (256 – 1,024); two 64 (32 – 128)",
        "Of 7 cells with a d₉₀ in all of these studies, 1 differs beyond their 95 % intervals.",
        str(tmp_path / "out/index.html"),
    ]
    page = (tmp_path / "out/index.html").read_text()
    assert "<tr><td>seed</td><td>0</td><td>7</td></tr>" in page
    moved = page[page.index("differ beyond their intervals (1)") :].partition("</details>")[0]
    assert moved.count("<tr>") == 2 and "512 (256 – 1,024)" in moved and "one &gt; two" in moved
    assert 'src="data:image/svg+xml;base64,' in page and "http" not in page.replace(
        "http-equiv", ""
    )
    written = pd.read_csv(tmp_path / "out/cells.csv")
    assert len(written) == 24 and set(written["study"]) == {"one", "two"}
    suffixes = {path.suffix for path in (tmp_path / "out").glob("trajectories.*")}
    assert suffixes == {".svg", ".pdf", ".png"}


def test_hostile_names_are_text(studies: tuple[Path, Path], tmp_path: Path) -> None:
    found = read_studies([str(one) for one in studies])
    names = ("<script>$x$", "=cmd()")
    hostile = [replace(one, name=name) for one, name in zip(found, names, strict=True)]
    write_comparison(hostile, [("<b>", ("<i>", "1"))], tmp_path / "out")
    page = (tmp_path / "out/index.html").read_text()
    assert "<script>" not in page and "<b>" not in page and "&lt;script&gt;" in page
    assert "\n'=cmd()," in (tmp_path / "out/cells.csv").read_text()
    assert "<script>" not in (tmp_path / "out/trajectories.svg").read_text()


def test_studies_without_a_trajectory_have_no_figure(
    studies: tuple[Path, Path], tmp_path: Path
) -> None:
    found = read_studies([str(one) for one in studies])
    zoo = [replace(one, cells=one.cells.assign(family="zoo")) for one in found]
    write_comparison(zoo, [], tmp_path / "out")
    page = (tmp_path / "out/index.html").read_text()
    assert "<img" not in page and "<h2>Trajectories" not in page
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        "cells.csv",
        "index.html",
    ]
