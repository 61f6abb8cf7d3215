"""Rows of a session as Markdown, for benchmarks/RESULTS.md."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from benchmarks.gpu_session.measuring import Row


def markdown(rows: Sequence[Row]) -> str:
    """A table a part; a column for each figure that one of its rows has, in the order they came."""
    lines: list[str] = []
    for title, group in groupby(rows, lambda row: str(row["part"])):
        own = list(group)
        names = list(dict.fromkeys(name for row in own for name in row if name != "part"))
        lines += [f"**{title}**", "", _line(names), "|" + "---|" * len(names)]
        lines += [_line([_shown(row.get(name, "")) for name in names]) for row in own]
        lines.append("")
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(value: str | float) -> str:
    """A number to four digits, without an exponent from a thousandth to any size."""
    if isinstance(value, str):
        return value.replace("|", "/")
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"
