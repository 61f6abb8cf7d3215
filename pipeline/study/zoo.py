"""Published models beside the trajectory: the zoo, and sweeps over d (A21 Figures 1 and 3)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Annotated

from pipeline.common.checked import AnyText, Distinct, Name
from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.published.place import Place
from pipeline.subspace.config import Method


@dataclass(frozen=True)
class ZooModel(Place):
    """A model that others published; ``label`` is its name for readers, where that differs."""

    label: Name | None = None

    def place(self) -> Place:
        """Where it lies, which is all that its weights depend on."""
        return Place(**{field.name: getattr(self, field.name) for field in fields(Place)})


@dataclass(frozen=True)
class ZooConfig:
    """Models that others published, by name, and what is measured of them.

    Every model is fine-tuned fully on each of ``tasks``, tokenised with its own tokenizer; for
    those in ``search`` its d₉₀ is searched as for a checkpoint (A21 Figure 3).
    """

    models: dict[AnyText, ZooModel] = field(default_factory=dict)
    tasks: tuple[Name, ...] = ()
    search: tuple[Name, ...] = ()


@dataclass(frozen=True)
class SweepConfig:
    """Models of the zoo × tasks × methods, each with ``probes``; empty lists for no sweep."""

    models: tuple[Name, ...] = ()
    tasks: tuple[Name, ...] = ()
    methods: Annotated[tuple[Method, ...], Distinct()] = ()
    probes: SweepProbes = field(default_factory=SweepProbes)
