"""Chains of checkpoints written out, to paste into params.yaml."""

from __future__ import annotations

from pipeline.errors import UserError


def checkpoint_steps(stop: int, every: int, early: int) -> list[int]:
    """Updates at which a checkpoint is kept: multiples of ``every`` up to ``stop``, and early ones.

    The ``early`` ones lie before the first multiple, evenly in the logarithm; there are fewer where
    two would fall on the same update.

    Raises:
        UserError: ``stop`` is no multiple of ``every``, or a number is too small.
    """
    if every < 1 or early < 0 or stop < every or stop % every:
        raise UserError(
            f"a chain to update {stop} with a checkpoint every {every} and {early} early ones "
            "cannot be made: the end must be a multiple of the distance, early at least 0"
        )
    below = {round(every ** (place / (early + 1))) for place in range(1, early + 1)}
    return sorted(below | set(range(every, stop + 1, every)))


def chain_yaml(steps: list[int]) -> str:
    """The section ``checkpoints`` for the steps, as YAML."""
    return "\n".join(["checkpoints:", "  s0: 0", *(f"  s{step}: {step}" for step in steps)])
