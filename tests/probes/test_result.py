"""What a search says of itself in a log."""

from __future__ import annotations

import pytest

from tests.report.conftest import full_result, search_result

OPEN = {"d90_low": None, "d90_high": None}


@pytest.mark.parametrize(
    ("status", "d90", "changes", "said"),
    [
        ("ok", 1053, {"d90_low": 900, "d90_high": 1189}, "ok: d90 1,053 (95 %: 900 to 1,189)"),
        ("ok", 53, OPEN, "ok: d90 53 (95 %: below 16 to above 4,096)"),
        ("below_grid", None, {**OPEN, "d90_high": 20}, "below_grid: d90 below 16 (95 %: below 16 to 20); why"),
        ("not_reached", None, {**OPEN, "d90_above": True}, "not_reached: d90 above 4,096 (95 %: below 16 to above 4,096); why"),
        ("not_reached", None, {**OPEN, "d90_low": 51, "d90_above": False}, "not_reached: no estimate of d90 (95 %: 51 to above 4,096); why"),
        ("diverged", None, OPEN, "diverged: why"),
    ],
)  # fmt: skip
def test_a_log_never_says_none(status: str, d90: int | None, changes: dict, said: str) -> None:
    full = full_result("s10", "easy", 0.9, 1.0)
    reason = "" if status == "ok" else "why"
    assert search_result(full, d90, status, reason, **changes).sentence() == said
