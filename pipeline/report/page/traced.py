"""Numbers of the page with the row of the CSV that each is from, for readers and for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.report.parts import Number, Parts

Shown = Callable[[pd.Series], Parts]
# What a template is given, or a part of it, by the names that the template uses.
Context = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A table of the report by its name, which its CSV has too, in the CSV's order."""

    name: str
    frame: pd.DataFrame

    def html(self, parts: Parts) -> Any:
        """A text as HTML in which each number says its row of the CSV, counted from 0."""
        from markupsafe import Markup, escape

        return Markup("").join(
            self._traced(part) if isinstance(part, Number) else escape(part) for part in parts
        )

    def row(self, label: Any, **columns: Shown) -> Context:
        """What a table of the page shows of a row, by the names of its columns."""
        row = self.frame.loc[label]
        return {name: self.html(shown(row)) for name, shown in columns.items()}

    def _traced(self, number: Number) -> Any:
        from markupsafe import Markup

        place = f"{self.name}.csv:{self.frame.index.get_loc(number.row)}:{number.column}"
        value: Any = self.frame.at[number.row, number.column]
        plain = repr(value.item()) if hasattr(value, "item") else str(value)
        html = Markup('<data value="{}" data-from="{}">{}</data>')
        return html.format(plain, place, number.text)
