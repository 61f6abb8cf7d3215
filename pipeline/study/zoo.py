"""A zoo of published models, and the sweep over d that A21's Figure 1 and Table 1 are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.common.config import nearest
from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.errors import UserError
from pipeline.published.place import Place
from pipeline.subspace.config import Method
from pipeline.tasks.prepare import TaskDataConfig

# A21 Table 1: d₉₀ by SAID and by DID.
_TABLE_1: dict[tuple[str, str], dict[Method, int]] = {
    ("bert-base", "mrpc"): {"said": 1608, "did": 1861},
    ("bert-base", "qqp"): {"said": 8030, "did": 9295},
    ("bert-large", "mrpc"): {"said": 1037, "did": 2493},
    ("bert-large", "qqp"): {"said": 1200, "did": 1389},
    ("roberta-base", "mrpc"): {"said": 896, "did": 1000},
    ("roberta-base", "qqp"): {"said": 896, "did": 1389},
    ("roberta-large", "mrpc"): {"said": 207, "did": 322},
    ("roberta-large", "qqp"): {"said": 774, "did": 774},
}


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


def published(place: Place, data: TaskDataConfig, method: Method) -> int | None:
    """d₉₀ of A21's Table 1 where model and task are those of the paper."""
    model = place.id.rpartition("/")[2].removesuffix("-cased").removesuffix("-uncased")
    sources = [source.hub for source in data.eval if source.hub is not None]
    task = sources[0].name if len(sources) == 1 and sources[0].id.endswith("glue") else None
    own = place.source == "hub" and _TABLE_1.get((model, task or ""))
    return own[method] if own else None


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
