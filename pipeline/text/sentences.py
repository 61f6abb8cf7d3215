"""Lines of text to sentences, the units that packing never cuts unless they are too long."""

from __future__ import annotations

import re

# A full stop, exclamation or question mark, with closing quotes, before a space and a capital,
# digit or opening quote. Abbreviations split now and then, which costs packing nothing.
_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])")


def split_sentences(line: str) -> list[str]:
    """Cut a line at the ends of sentences; nothing but white space is lost."""
    pieces, start = [], 0
    for match in _END.finditer(line):
        closing = match.group().rstrip()
        pieces.append(line[start : match.start()] + closing)
        start = match.end()
    pieces.append(line[start:])
    return [piece.strip() for piece in pieces if piece.strip()]
