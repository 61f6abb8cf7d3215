"""Which trainings of a study take most memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.estimate.memory import Held, TrainingMemory
from pipeline.estimate.sums import Sized
from pipeline.study.params import Params


@dataclass(frozen=True)
class Peak:
    """A training: what it holds, of which model on which task, and the size of its batch."""

    held: Held
    model: str
    task: str
    batch: int
    length: int


def peaks(params: Params, groups: Sequence[tuple[Sized, int]]) -> dict[str, Peak]:
    """The largest probe and the largest full fine-tuning, by what they are called.

    Args:
        params: the study.
        groups: its models, each with the largest d of its searches.
    """
    found = {}
    for probing, name in ((True, "a probe"), (False, "full fine-tuning")):
        every = [
            _peak(params, group, task, d if probing else None)
            for group, d in groups
            for task in (group.model.searched if probing else group.tasks)
        ]
        if every:
            found[name] = max(every, key=lambda one: one.held.total)
    return found


def _peak(params: Params, group: Sized, task: str, d: int | None) -> Peak:
    """A training of d numbers, or of all parameters."""
    own, size = params.tasks[task], group.size
    config, length = own.finetune, own.data.max_length
    memory = TrainingMemory(
        size.encoder,
        size.parameters,
        config.precision_for(subspace=d is not None),
        config.recompute,
        config.batch * length,
    )
    if d is None:
        held = memory.full(config.optimizer)
    else:
        held = memory.subspace(d, params.search.optimizer)
    return Peak(held, group.model.name, task, config.batch, length)
