"""The commands that say what a study will take: ``estimate`` and ``simulate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Annotated, Any

from pipeline import paths
from pipeline.common.arguments import number
from pipeline.common.checked import Count, Range
from pipeline.dimension.levers import Precision
from pipeline.estimate.costs import by_precision, efficiently, estimate
from pipeline.estimate.describe import describe, describe_precisions
from pipeline.estimate.plan import stage_flop, stage_needs
from pipeline.estimate.speed import Speed, given_speed, measured_speed
from pipeline.study.params import Params
from pipeline.study.reading import load_params
from pipeline.workers import simulation
from pipeline.workers.cluster.needs import read_needs

_FlopPerSecond = Annotated[float, Range(above=0, ceiling=1e30)]


def add_commands(commands: Any) -> None:
    """Add both to a parser's commands."""
    _add_estimate(commands.add_parser("estimate", help="what a study will cost"))
    _add_simulation(commands.add_parser("simulate", help="what it would take on many workers"))


def _add_study_of(cost: argparse.ArgumentParser) -> None:
    """Which study, by which protocols, on machines of which speed."""
    cost.add_argument(
        "--params", type=Path, default=paths.PARAMS, metavar="FILE",
        help="its parameters, e.g. presets/paper.yaml (default: params.yaml)",
    )  # fmt: skip
    cost.add_argument(
        "--efficient", action="store_true",
        help="as if both protocols were efficient and trajectory.neighbours true",
    )  # fmt: skip
    cost.add_argument(
        "--flops", type=number(_FlopPerSecond), metavar="FLOP/s",
        help="sustained rate, e.g. 4e14 for an H200 at half its peak (default: what probes of the "
        "largest model come to on this machine, measured in some seconds)",
    )  # fmt: skip


def _add_estimate(cost: argparse.ArgumentParser) -> None:
    _add_study_of(cost)
    cost.add_argument(
        "--precision", type=number(Precision), nargs="+", default=(), metavar="X",
        help="also the hours of search for each of these, e.g. 1.5 2 4 8",
    )  # fmt: skip
    cost.set_defaults(run=_estimate)


def _add_simulation(schedule: argparse.ArgumentParser) -> None:
    _add_study_of(schedule)
    schedule.add_argument(
        "--workers", type=number(Count), nargs="+", default=(1, 8, 64, 256), metavar="N",
        help="GPUs, or cores of a narrow model (default: 1 8 64 256)",
    )  # fmt: skip
    schedule.set_defaults(run=_simulate)


def _estimate(chosen: argparse.Namespace) -> str:
    params, prepared, speed = _costed(chosen)
    made = estimate(params, prepared)
    shown = describe(made, speed.flop_per_second, speed.said)
    if not chosen.precision:
        return shown
    by = by_precision(params, chosen.precision, prepared)
    return f"{shown}\n\n{describe_precisions(by, speed.flop_per_second)}"


def _costed(chosen: argparse.Namespace) -> tuple[Params, bool, Speed]:
    params = load_params(chosen.params)
    params = efficiently(params) if chosen.efficient else params
    # What lies prepared in data belongs to the study's own parameters.
    prepared = chosen.params == paths.PARAMS
    return (
        params,
        prepared,
        (given_speed(chosen.flops) if chosen.flops else measured_speed(params, prepared)),
    )


def _simulate(chosen: argparse.Namespace) -> str:
    params, prepared, speed = _costed(chosen)
    rate = speed.flop_per_second
    seconds = {name: flop / rate for name, flop in stage_flop(params, prepared).items()}
    needs, pretrain = stage_needs(params), read_needs(paths.CLUSTER)["pretrain"]
    together = max(round(pretrain.gpus or 1), 1) * pretrain.nodes
    wide = {name: together for name in needs if name.startswith("pretrain@")}
    return simulation.describe(needs, seconds, chosen.workers, wide)
