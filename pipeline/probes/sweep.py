"""A model's sweep over d on a task: the search protocol that probes everything, for one method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.dimension.grid import GridConfig
from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SaidConfig
from pipeline.probes.search import measure_said
from pipeline.subspace.config import Method, SubspaceConfig
from pipeline.subspace.reparameterisation import scale_count


def measure_sweep(
    cell: Cell,
    sweep: SweepProbes,
    method: Method,
    subspace: SubspaceConfig,
    finetune: FinetuneConfig,
    baseline: dict[str, Any],
    scratch: Path,
    out: Path,
) -> dict[str, Any]:
    """Train at every d that the model allows; write what `measure_said` does.

    Raises:
        UserError: the model allows none of the sweep's d.
    """
    own = replace(subspace, method=method)
    layers = scale_count(cell.flat.spans, own)
    values = sweep.possible(layers, cell.flat.size)
    if len(values) < 2:
        raise UserError(
            f"sweep: no d from {sweep.minimum} to {sweep.maximum} fits {cell.checkpoint}, which "
            f"has {layers} layers to scale and {cell.flat.size} parameters: widen the sweep"
        )
    config = SaidConfig(
        GridConfig(values=values),
        fraction=sweep.fraction,
        fractions=(sweep.fraction,),
        learning_rates=sweep.learning_rates,
        epochs=sweep.epochs,
        seeds=sweep.seeds,
        protocol="sweep",
    )
    return measure_said(cell, config, own, finetune, baseline, None, scratch, out)
