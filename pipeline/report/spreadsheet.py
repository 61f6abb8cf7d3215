"""Text in a table that a spreadsheet would run as a formula, and back.

Spreadsheets take a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and one can
send what stands beside it elsewhere. Such text gets an apostrophe in front, as one types it there;
text that has apostrophes before such a sign gets one more, so that reading takes away exactly what
writing put there. Numbers stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text that would be a formula."""
    return _each_text(frame, lambda text: f"'{text}" if _FORMULA.match(text) else text)


def restored(frame: pd.DataFrame) -> pd.DataFrame:
    """The table that `neutralised` was given."""
    return _each_text(
        frame, lambda text: text[1:] if text.startswith("'") and _FORMULA.match(text) else text
    )


def _each_text(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """Columns keep their types, and what is no text in them stays as it is."""

    def changed(value: object) -> object:
        return change(value) if isinstance(value, str) else value

    texts = frame.select_dtypes("object").columns
    made = {name: frame[name].map(changed).astype(frame[name].dtype) for name in texts}
    return frame.assign(**made)
