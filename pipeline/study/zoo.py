"""Published models beside the trajectory: the zoo, and sweeps over d (A21 Figures 1 and 3)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.published.place import Place
from pipeline.subspace.config import Method


@dataclass(frozen=True)
class ZooModel(Place):
    """A model that others published; ``label`` is its name for readers, where that differs."""

    label: str | None = None

    def place(self) -> Place:
        """Where it lies, which is all that its weights depend on."""
        return Place(**{field.name: getattr(self, field.name) for field in fields(Place)})


@dataclass(frozen=True)
class ZooConfig:
    """Models that others published, by name, and what is measured of them.

    Every model is fine-tuned fully on each of ``tasks``, tokenised with its own tokenizer; for
    those in ``search`` its d₉₀ is searched as for a checkpoint (A21 Figure 3).
    """

    models: dict[str, ZooModel] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


@dataclass(frozen=True)
class SweepConfig:
    """Models of the zoo × tasks × methods, each with ``probes``; empty lists for no sweep."""

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    probes: SweepProbes = field(default_factory=SweepProbes)

    def __post_init__(self) -> None:
        if len(set(self.methods)) < len(self.methods):
            raise ValueError("methods names one twice")
