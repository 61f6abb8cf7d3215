"""A model's sweep over d on a task (A21 §4): a search whose protocol probes everything."""

from __future__ import annotations

from dataclasses import replace

from pipeline.dimension.grid import GridConfig
from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.probes.config import SearchConfig
from pipeline.subspace.config import Method, SubspaceConfig
from pipeline.subspace.reparameterisation import scale_count


def sweep_search(
    cell: Cell, sweep: SweepProbes, method: Method, subspace: SubspaceConfig
) -> tuple[SearchConfig, SubspaceConfig]:
    """What `search_cell` is given for a sweep by ``method``: every d that the model allows.

    Raises:
        UserError: the model allows none of the sweep's d.
    """
    own = replace(subspace, method=method)
    layers = scale_count(cell.flat.spans, own)
    values = sweep.possible(layers, cell.flat.size)
    if len(values) < 2:
        raise UserError(
            f"sweep: no d from {sweep.minimum} to {sweep.maximum} fits {cell.name}, which "
            f"has {layers} layers to scale and {cell.flat.size} parameters: widen the sweep"
        )
    search = SearchConfig(
        GridConfig(values=values),
        fraction=sweep.fraction,
        fractions=(sweep.fraction,),
        rates=sweep.rates,
        learning_rates=sweep.learning_rates,
        epochs=sweep.epochs,
        seeds=sweep.seeds,
        protocol="sweep",
    )
    return search, own
