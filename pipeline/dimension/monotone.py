"""Whether more dimensions ever did worse: the search assumes that they do not."""

from __future__ import annotations

from collections.abc import Mapping


def violations(reached: Mapping[int, bool]) -> list[tuple[int, int]]:
    """Pairs (d, d′) with d < d′ where d reached the target and d′ missed it, in order."""
    return [
        (small, large)
        for small in sorted(reached)
        for large in sorted(reached)
        if small < large and reached[small] and not reached[large]
    ]
