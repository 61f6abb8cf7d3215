"""Chains of checkpoints written out: DVC wants every segment in params.yaml by name."""

from __future__ import annotations

from itertools import pairwise

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
    """The sections ``pretrain.segments`` and ``trajectory`` for the steps, as YAML.

    Each checkpoint's searches start from what those of the checkpoint before it found.
    """
    names = ["s0", *(f"s{step}" for step in steps)]
    segments = [
        f"    {name}: {{after: {before}, step: {step}}}"
        for (before, name), step in zip(pairwise(names), steps, strict=True)
    ]
    checkpoints = [f"    {name}: {step}" for name, step in zip(names, [0, *steps], strict=True)]
    near = ["    s0: baseline/s0"]
    near += [f"    {name}: said/{before}" for before, name in pairwise(names)]
    return "\n".join(
        [
            *("pretrain:", "  segments:", *segments, "", "trajectory:"),
            *("  checkpoints:", *checkpoints, "  near:", *near),
        ]
    )
