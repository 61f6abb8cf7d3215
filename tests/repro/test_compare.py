"""Two real studies that differ in one parameter, beside each other: by folder and by revision."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.repro.conftest import Study

pytestmark = pytest.mark.repro


def test_the_parameter_and_the_cells_that_moved_are_named(study: Study) -> None:
    study.commit()
    before = pd.read_csv(study.folder / "reports/cells.csv")
    params = study.params()
    # No full fine-tuning beats chance by so much: cells with a d90 lose it, and nothing is trained.
    params["search"]["margin"] = 1000.0
    study.write(params)
    assert {"settings", "collect"} < study.quick("collect")
    done = study.command("python", "-m", "pipeline", "compare", "HEAD", ".")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"search.margin: HEAD 0; {study.folder.name} 1000"
    page = (study.folder / "reports/compare/index.html").read_text()
    assert "<tr><td>search.margin</td><td>0</td><td>1000</td></tr>" in page
    assert "By the hashes in dvc.lock code and data are the same." in page
    cells = pd.read_csv(study.folder / "reports/compare/cells.csv")
    had = before[before["status"].isin(["ok", "below_grid", "not_reached"])]
    moved = cells[cells["agreement"] == "one-sided"].drop_duplicates(["task", "step"])
    assert len(had) and len(moved) == len(had)
    assert set(zip(moved["task"], moved["step"], strict=True)) == set(
        zip(had["task"], had["step"], strict=True)
    )
