"""A zoo of published models, and the sweep over d that A21's Figure 1 and Table 1 are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.common.config import nearest
from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.errors import UserError
from pipeline.published.place import Place
from pipeline.subspace.config import Method


@dataclass(frozen=True)
class ZooConfig:
    """Models that others published, by name, and what is measured of them.

    Every model is fine-tuned fully on each of ``tasks``, tokenised with its own tokenizer; for
    those in ``search`` its d₉₀ is searched as for a checkpoint (A21 Figure 3). ``labels`` are the
    names in tables and figures, where they differ.
    """

    models: dict[str, Place]
    tasks: tuple[str, ...]
    search: tuple[str, ...]
    labels: dict[str, str] = field(default_factory=dict)

    def label(self, model: str) -> str:
        """A model's name for readers."""
        return self.labels.get(model, model)


@dataclass(frozen=True)
class SweepConfig:
    """Models of the zoo × tasks × methods, each with ``probes``; empty lists for no sweep."""

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    methods: tuple[Method, ...]
    probes: SweepProbes

    def __post_init__(self) -> None:
        if len(set(self.methods)) < len(self.methods):
            raise ValueError("methods names one twice")


def check_zoo(
    zoo: ZooConfig, sweep: SweepConfig, tasks: Sequence[str], taken: Sequence[str]
) -> None:
    """Check that zoo and sweep name what there is; ``taken`` are names of other checkpoints.

    Raises:
        UserError: the first name that is wrong.
    """
    for where, names, known in (
        ("zoo.tasks", zoo.tasks, tasks),
        ("zoo.search", zoo.search, zoo.tasks),
        ("zoo.labels", tuple(zoo.labels), tuple(zoo.models)),
        ("sweep.models", sweep.models, tuple(zoo.models)),
        ("sweep.tasks", sweep.tasks, zoo.tasks),
    ):
        for name in names:
            if name not in known:
                hint = nearest(name, list(known)) if known else "there is none to name"
                raise UserError(f"params.yaml: {where} names {name!r}: {hint}")
        if len(set(names)) < len(names):
            raise UserError(f"params.yaml: {where} names one twice")
    both = sorted(set(zoo.models) & set(taken))
    if both:
        raise UserError(
            f"params.yaml: zoo.models and the trajectory both have a {both[0]!r}: rename one"
        )
    parts = (sweep.models, sweep.tasks, sweep.methods)
    if any(parts) and not all(parts):
        raise UserError(
            "params.yaml: a sweep needs models, tasks and methods: fill sweep.models, sweep.tasks "
            "and sweep.methods, or leave all three empty"
        )
