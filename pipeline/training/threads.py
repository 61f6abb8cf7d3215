"""How many threads a model computes on; known without torch, so that a driver can ask."""

from __future__ import annotations

# At most so wide: docs/decisions/0049.
ONE_THREAD_WIDTH = 256
# Long enough for a share of busy time, short beside any training of a wide model.
_SECONDS = 0.5


def threads_for(width: int, most: int, busy: float) -> int:
    """The threads of a model.

    Args:
        width: of its hidden states.
        most: the threads that the machine has cores for.
        busy: how many cores others keep busy now.
    """
    return 1 if width <= ONE_THREAD_WIDTH else max(1, most - round(busy))


def busy_cores(most: int) -> float:
    """How many of ``most`` cores are at work just now, while this process only waits."""
    import psutil

    return most * float(psutil.cpu_percent(_SECONDS)) / 100
