"""Certificates in the tables, in the trends and on the page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.common.sealed import write_sealed
from pipeline.errors import UserError
from pipeline.report.beyond import Cells
from pipeline.report.charts import wanted as wanted_charts
from pipeline.report.figures import FIGURES, wanted
from pipeline.report.page import write_page
from pipeline.report.page.proved import proved
from pipeline.report.provenance import Provenance
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables, collect, read_tables, write_tables
from pipeline.report.trends import POOLED
from tests.report.conftest import CELLS, CHECKPOINTS, certificate, write_certificates


@pytest.fixture
def tables(results: Path) -> Tables:
    return collect(results, CELLS, [], further=Cells(certified=write_certificates(results)))


def test_a_row_a_candidate_and_the_best_beside_its_cells_d90(tables: Tables) -> None:
    rows = tables.certificates
    assert len(rows) == 4 * 2 + 4 and rows["best"].sum() == 4
    row = rows[(rows["model"] == "s10") & rows["best"].fillna(False).astype(bool)].iloc[0]
    result = certificate("s10", "easy", 0.25)
    known = result.certificate(result.candidates[1])
    assert (row["bound"], row["hoeffding"], row["bits"]) == (
        known.bound,
        known.hoeffding,
        known.bits,
    )
    assert (row["d"], row["levels"], row["seed"], row["code"]) == (64, 5, 0, 240)
    assert (row["rows"], row["step"], row["tokens_seen"]) == (5000, 10, 80)
    assert row["complexity"] == (64 / 5000) ** 0.5 and row["majority_error"] == 0.5
    cells = tables.cells.set_index(["model", "task"])["bound"]
    assert cells["s10", "easy"] == known.bound and np.isnan(cells["s10", "late"])
    assert np.isnan(cells["s10", "never"])


def test_they_are_written_and_read_like_other_tables(tables: Tables, tmp_path: Path) -> None:
    write_tables(tables, tmp_path)
    pd.testing.assert_frame_equal(read_tables(tmp_path).certificates, tables.certificates)


def test_their_trainings_are_counted_with_the_machine(results: Path) -> None:
    cells = write_certificates(results)
    facts = {"item": "bound@s0-easy", "device": "cpu", "threads": 2}
    write_sealed(results / "machine/bound/s0-easy.json", facts)
    costs = collect(results, CELLS, [], further=Cells(certified=cells)).costs
    own = costs[costs["stage"] == "bound"]
    assert own.iloc[0]["model"] == POOLED and own.iloc[0]["flop"] == 8 * 2e8
    assert own[(own["model"] == "s0") & (own["task"] == "easy")].iloc[0]["threads"] == 2


def test_a_certificate_in_anothers_place_is_refused(results: Path) -> None:
    cells = write_certificates(results)
    certificate("s10", "easy", 0.25).write(results / "bound/s0/easy")
    with pytest.raises(UserError, match=r"of s10 and easy, not of s0 and easy.*bound@s0-easy"):
        collect(results, CELLS, [], further=Cells(certified=cells))


def test_that_certificates_tighten_is_a_claim_where_there_are_any(
    results: Path, tables: Tables
) -> None:
    claims = tables.trends.set_index(["claim", "scope"])
    row = claims.loc[("tightens", "easy")]
    assert (row["tau"], row["units"], row["left_out"]) == (-1, 4, 0)
    assert row["p"] == pytest.approx(1 / 24) and row["verdict"] == "undecided"
    assert claims.loc[("tightens", "late"), "left_out"] == 4
    assert tables.summary["trends"]["tightens"]["tau"] == -1
    plain = collect(results, CELLS, []).trends
    assert "tightens" not in set(plain["claim"])


def test_figure_and_chart_are_there_where_certificates_are(results: Path, tables: Tables) -> None:
    names = [one.name for one in wanted(tables)], [one.name for one in wanted_charts(tables)]
    assert all("certificates" in one for one in names)
    without = collect(results, CELLS, [])
    assert "certificates" not in [one.name for one in (*wanted(without), *wanted_charts(without))]


def test_the_figure_draws_the_bound_between_its_errors(tables: Tables) -> None:
    figure = next(one for one in FIGURES if one.name == "certificates")
    with styled(ReportConfig()) as pyplot:
        axes = figure.draw(pyplot, tables, ReportConfig()).axes[0]
    drawn = {line.get_gid(): np.asarray(line.get_ydata(), float) for line in axes.lines}
    assert set(drawn) - {None} == {
        f"{name}-easy" for name in ("bound", "eval_error", "majority_error")
    }
    assert (drawn["bound-easy"] > drawn["eval_error-easy"]).all()
    assert (np.diff(drawn["bound-easy"]) < 0).all() and (drawn["majority_error-easy"] == 0.5).all()


def test_the_page_has_each_bound_and_says_why_others_are_missing(
    tables: Tables, tmp_path: Path
) -> None:
    write_page(tables, Provenance("", "", {}, ""), tmp_path / "page.html", config=ReportConfig())
    page = (tmp_path / "page.html").read_text()
    assert 'data-panel="certificates"' in page and "late at s0: it &lt;broke&gt;" in page
    traced = re.findall(r'data-from="certificates.csv:(\d+):bound"', page)
    assert len(traced) == len(CHECKPOINTS) == len(proved(tables)["proved"])
    assert "the certificate’s bound falls along pretraining" in page
