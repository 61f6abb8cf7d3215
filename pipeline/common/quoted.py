"""What a library says of an error, for our own sentence about it."""

from __future__ import annotations

import re

# Libraries advise to trust the file, or to raise a limit, where that is what must not be done.
_ADVICE = re.compile(
    r"weights_only|safe_globals|trust|allow_pickle|set_int_max|unsafe|insecure|dangerous", re.I
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_LONGEST = 300


def quoted(error: BaseException) -> str:
    """A library's message on one line, without the sentences that say how to switch a check off."""
    kept = (part for part in _SENTENCE.split(str(error)) if not _ADVICE.search(part))
    return " ".join(" ".join(kept).split()).rstrip(".;")[:_LONGEST] or type(error).__name__
