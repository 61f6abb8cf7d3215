"""The checkpoints of a trajectory: a line each, and which comes after which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.common.checked import Index, Name
from pipeline.common.config import nearest
from pipeline.errors import UserError


@dataclass(frozen=True)
class Checkpoint:
    """A line of ``checkpoints``; ``s1000: 1000`` is short for ``s1000: {step: 1000}``.

    Attributes:
        step: the update that it is of.
        after: the checkpoint that training goes on from; without it the latest earlier one that is
            no decay branch.
        decay: the learning rate falls to 0 on the way (with the constant schedule).
        measured: whether tasks are measured at it; a branch's trunk may only be trained through.
        label: what ``{label}`` in a suite's pattern stands for; without it the name less its first
            letter, ``20k`` for ``s20k``.
        revision: the commit that pins a suite's checkpoint.
    """

    step: Index
    after: Name | None = None
    decay: bool = False
    measured: bool = True
    label: Name | None = None
    revision: Name | None = None


def written_out(lines: Any) -> Any:
    """The mapping ``checkpoints`` with its short lines as mappings; anything else as it is."""
    if not isinstance(lines, Mapping):
        return lines
    return {name: {"step": line} if type(line) is int else line for name, line in lines.items()}


def predecessors(checkpoints: Mapping[str, Checkpoint]) -> dict[str, str | None]:
    """The checkpoint that each one comes after; None for the first. The lines' order is free.

    Raises:
        UserError: ``after`` names none, or one that is not at an earlier update.
    """
    trunk = {name: line for name, line in checkpoints.items() if not line.decay}
    found: dict[str, str | None] = {}
    for name, line in checkpoints.items():
        where = f"params.yaml: checkpoints.{name}"
        if line.after is None:
            earlier = [other for other in trunk if trunk[other].step < line.step]
            found[name] = max(earlier, key=lambda other: trunk[other].step, default=None)
            continue
        if line.after not in checkpoints:
            hint = nearest(line.after, list(checkpoints))
            raise UserError(f"{where}.after is {line.after!r}: {hint}")
        before = checkpoints[line.after].step
        if line.step <= before:
            raise UserError(f"{where}.step is {line.step}, not after {line.after}'s {before}")
        found[name] = line.after
    return found


def neighbours(checkpoints: Mapping[str, Checkpoint]) -> dict[str, str | None]:
    """The nearest measured checkpoint before each measured one; None where there is none."""
    before = predecessors(checkpoints)
    found: dict[str, str | None] = {}
    for name, checkpoint in checkpoints.items():
        if checkpoint.measured:
            other = before[name]
            while other is not None and not checkpoints[other].measured:
                other = before[other]
            found[name] = other
    return found
