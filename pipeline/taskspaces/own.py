"""d₉₀ of a task's own subspace, by this project's search, beside that of random ones."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.common.artifacts import fingerprint
from pipeline.dimension.record import Probe
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import FullResult
from pipeline.probes.asking import cell_question, no_search, probe_training
from pipeline.probes.config import SearchConfig
from pipeline.probes.probe import ProbeRunner
from pipeline.probes.result import SearchResult
from pipeline.probes.search import Search
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.layers import layer_groups
from pipeline.subspace.nested import NestedBasis
from pipeline.subspace.reparameterisation import Subspace
from pipeline.taskspaces.result import Directions, OwnSearch
from pipeline.training.parameters import Span

_LOG = logging.getLogger(__name__)
# θ = θ₀ + Pθ^d with exactly d numbers, the head among what they move.
_PLAIN = SubspaceConfig(method="did")


def groups_of(cell: Cell) -> list[list[Span]]:
    """What has directions of its own: embeddings, each transformer block, the head."""
    return layer_groups(cell.flat.spans, "block")


@dataclass(frozen=True)
class OwnProbeRunner(ProbeRunner):
    """Trains probes in the first d of a task's own directions."""

    basis: NestedBasis

    def subspace_of(self, probe: Probe) -> Subspace:
        """The subspace that a probe trains in, with θ₀ put back into the network."""
        cell, projection = self.cell, self.basis.first(probe.d)
        cell.reset()
        facts = (cell.flat, self.subspace, probe.d, self.seed(probe))
        return Subspace(*facts, projection, cell.origin)

    def identity(self, probe: Probe) -> str:
        """The hash of everything a probe's curve depends on."""
        return fingerprint([super().identity(probe), self.basis.sha256])[:32]


@dataclass(frozen=True)
class OwnSearcher:
    """Searches d₉₀ in a task's own directions and in random ones, on the same rows.

    Attributes:
        cell: the model and the rows that probes are trained on.
        search: how d₉₀ is searched for; the grid begins at one direction.
        finetune: the task's recipe.
        full: full fine-tuning of the cell, which sets the target.
        scratch: where finished probes are kept.
    """

    cell: Cell
    search: SearchConfig
    finetune: FinetuneConfig
    full: FullResult
    scratch: Path

    def search_both(self, basis: NestedBasis) -> tuple[OwnSearch, ...]:
        """Both searches; none where d₉₀ would mean nothing (method §2)."""
        if no_search(self.full, self.search):
            return ()
        return (self._search("own", basis), self._search("random", None))

    def _search(self, directions: Directions, basis: NestedBasis | None) -> OwnSearch:
        _LOG.info("d90 in %s directions", directions)
        largest = self.cell.flat.size if basis is None else basis.size
        grid = replace(self.search.grid, minimum=1, maximum=largest, values=None)
        search = replace(self.search, grid=grid)
        question = cell_question(
            self.cell, search=search, subspace=_PLAIN, finetune=self.finetune, full=self.full,
            neighbour=None,
        )  # fmt: skip
        training = probe_training(search, self.finetune, question, self.cell)
        facts = (self.cell, _PLAIN, self.finetune, training, self.scratch / directions)
        runner = ProbeRunner(*facts) if basis is None else OwnProbeRunner(*facts, basis)
        found = Search(runner, search, question, self.full).result()
        return _told(directions, found)


def _told(directions: Directions, found: SearchResult) -> OwnSearch:
    return OwnSearch(
        directions=directions,
        status=found.status,
        reason=found.reason,
        d90=found.d90,
        d90_low=found.d90_low,
        d90_high=found.d90_high,
        d90_above=found.d90_above,
        d_min=found.d_min,
        d_max=found.d_max,
        target=found.target,
        probes=found.probes,
        cost=found.cost,
    )
