from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.report.tables import collect
from pipeline.report.trends import CLAIMS, POOLED, TREND_COLUMNS, compared_metric, trends
from tests.report.conftest import CELLS, CHECKPOINTS, TASKS

STEPS = {f"s{step}": step for step in range(5)}


def cell(checkpoint: str, task: str, **changes) -> dict:
    return {
        "model": checkpoint, "step": STEPS[checkpoint], "task": task, "status": "ok",
        "metric": "accuracy", "d90": 100, "d90_low": None, "d90_above": False, "d_min": 50, "d_max": 1000, "chance": 0.5,
        "full_metric": 0.8,
        "relative_gap": 0.5, **changes,
    }  # fmt: skip


def table(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype({"d90": "Int64"})


def at(found: pd.DataFrame, claim: str, scope: str = POOLED) -> pd.Series:
    return found.set_index(["claim", "scope"]).loc[(claim, scope)]


def falling(task: str, **changes) -> list[dict]:
    return [
        cell(name, task, d90=900 - 100 * step, full_metric=0.6 + step / 20, relative_gap=0.8 - step / 10, **changes)
        for name, step in STEPS.items()
    ]  # fmt: skip


def test_every_claim_has_a_row_pooled_and_alone(results: Path) -> None:
    found = collect(results, CELLS, []).trends
    assert list(found.columns) == list(TREND_COLUMNS)
    made = {name: claim for name, claim in CLAIMS.items() if not claim.beyond}
    assert set(found["claim"]) == set(made)
    for name, claim in made.items():
        scopes = TASKS if claim.within == "task" else list(CHECKPOINTS)
        assert list(found[found["claim"] == name]["scope"]) == [POOLED, *scopes]


def test_a_clean_fall_supports_what_it_should() -> None:
    found = trends(table(falling("a")))
    assert list(at(found, "falls")[["tau", "rho", "p"]]) == pytest.approx([-1, -1, 1 / 120])
    assert at(found, "falls")["verdict"] == at(found, "accuracy")["verdict"] == "supported"
    assert at(found, "gap")["tau"] == 1 and at(found, "gap")["verdict"] == "supported"
    # With one task there is nothing to compare at a checkpoint.
    assert np.isnan(at(found, "easier_tasks")["tau"])
    assert at(found, "easier_tasks")["verdict"] == "undecided"


def test_a_rise_contradicts() -> None:
    rows = [{**row, "step": -row["step"]} for row in falling("a")]
    found = trends(table(rows[::-1]))
    assert at(found, "falls")["tau"] == 1 and at(found, "falls")["verdict"] == "contradicted"


def test_three_checkpoints_cannot_decide() -> None:
    found = trends(table(falling("a")[:3] + falling("b")[:3]))
    row = at(found, "falls")
    assert (row["tau"], row["p"], row["p_least"]) == (
        -1,
        pytest.approx(1 / 6),
        pytest.approx(1 / 6),
    )
    assert row["verdict"] == "undecided" and (row["units"], row["cells"]) == (3, 6)


def test_not_reached_is_above_and_nothing_of_it_is_dropped() -> None:
    rows = falling("a")
    for row in rows[:2]:
        row |= {"status": "not_reached", "d90": None, "d90_above": True}
    row = at(trends(table(rows)), "falls")
    assert (row["cells"], row["censored"], row["left_out"]) == (5, 2, 0)
    assert row["tau"] == pytest.approx(stats.kendalltau(range(5), [9, 9, 7, 6, 5]).statistic)
    # All but the open pair speak for the claim; only one order in 120 does so as clearly, or two.
    assert row["p"] == pytest.approx(2 / 120)


@pytest.mark.parametrize("low", [550, 850, None])
def test_reached_by_no_training_is_anything_from_the_interval_on(low: int | None) -> None:
    """Before 800 comes a cell of which only the lower end is known: its pairs are open above that."""
    rows = falling("a")
    rows[0] |= {"status": "not_reached", "d90": None, "d90_low": low}
    above = falling("a")
    above[0] |= {"status": "not_reached", "d90": None, "d90_above": True}
    found, strict = (at(trends(table(cells)), "falls") for cells in (rows, above))
    assert found["censored"] == strict["censored"] == 1 and found["left_out"] == 0
    assert strict["tau_high"] <= found["tau_high"]
    # With 850 it is above all others as surely as beyond the grid.
    assert (found["tau"] == strict["tau"]) == (low == 850)


def test_below_the_grid_is_below_every_estimate() -> None:
    rows = falling("a")
    rows[2] |= {"d90": 50}
    for row in rows[3:]:
        row |= {"status": "below_grid", "d90": None}
    row = at(trends(table(rows)), "falls")
    assert (row["cells"], row["censored"], row["left_out"]) == (5, 2, 0)
    assert row["tau"] == pytest.approx(stats.kendalltau(range(5), [9, 8, 7, 6, 6]).statistic)
    assert row["tau_high"] > at(trends(table(falling("a"))), "falls")["tau_high"]


def test_cells_are_ranked_by_the_estimate_alone() -> None:
    """Neither the paper's number nor the interval moves a rank."""
    plain = table(falling("a"))
    paper = plain.assign(d90_paper=plain["d90"].iloc[::-1].to_numpy(), lower=pd.NA, d90_low=pd.NA)
    pd.testing.assert_frame_equal(trends(paper), trends(plain))
    assert at(trends(paper), "falls")["censored"] == 0


def test_only_tasks_of_one_metric_are_compared_with_each_other() -> None:
    """Were the correlation ranked among the accuracies, the claim would turn around."""
    rows = [
        cell(name, task, d90=d90, full_metric=full, metric=metric)
        for name in ("s0", "s1")
        for task, d90, full, metric in (
            ("a", 100, 0.9, "accuracy"), ("b", 200, 0.8, "accuracy"), ("c", 50, 0.5, "pearson"),
        )
    ]  # fmt: skip
    cells = table(rows)
    assert compared_metric(cells) == "accuracy"
    found = trends(cells)
    for claim in ("easier_tasks", "easier_above_chance"):
        row = at(found, claim)
        assert (row["tau"], row["units"], row["left_out"]) == (-1, 2, 2)
    # Checkpoints are compared within each task, whatever its metric.
    assert at(found, "falls")["cells"] == 6 and at(found, "falls")["left_out"] == 0


@pytest.mark.parametrize("status", ["baseline_at_chance", "target_below_chance", "diverged"])
def test_a_cell_without_a_d90_is_left_out_and_counted(status: str) -> None:
    rows = falling("a") + falling("b")
    rows[0] |= {"status": status, "d90": None}
    found = trends(table(rows))
    assert (at(found, "falls")["cells"], at(found, "falls")["left_out"]) == (9, 1)
    assert (at(found, "falls", "a")["left_out"], at(found, "falls", "b")["left_out"]) == (1, 0)
    assert at(found, "easier_tasks", "s0")["left_out"] == 1


def test_an_undefined_gap_is_left_out_of_its_claim_alone() -> None:
    rows = falling("a")
    rows[2]["relative_gap"] = None
    found = trends(table(rows))
    assert at(found, "gap")["cells"] == 4 and at(found, "falls")["cells"] == 5


def test_tasks_are_compared_at_each_checkpoint() -> None:
    """The task with the higher accuracy has the lower d90; counted from chance it is the other."""
    rows = [
        cell(name, task, d90=d90, full_metric=full, chance=chance)
        for name in ("s0", "s1")
        for task, d90, full, chance in (("a", 100, 0.9, 0.85), ("b", 200, 0.8, 0.5))
    ]
    found = trends(table(rows))
    assert at(found, "easier_tasks")["tau"] == -1
    assert at(found, "easier_above_chance")["tau"] == 1
    assert at(found, "easier_tasks")["units"] == 2


def test_rows_in_any_order_give_the_same() -> None:
    whole = table(falling("a") + falling("b"))
    mixed = whole.sample(frac=1, random_state=3)
    mine = trends(mixed).set_index(["claim", "scope"]).sort_index()
    pd.testing.assert_frame_equal(mine, trends(whole).set_index(["claim", "scope"]).sort_index())
