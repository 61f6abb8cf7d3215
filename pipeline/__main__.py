"""Commands beside the pipeline: ``python -m pipeline --help`` lists them.

What one command alone needs, DVC or torch, is imported by it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from pipeline import paths, planning
from pipeline.common.arguments import number
from pipeline.common.checked import Count, Index
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.estimate.kinds import flop_by_kind, stages_by_kind
from pipeline.report.loggers import TRACKERS
from pipeline.running import startup
from pipeline.sharing.commands import add_models
from pipeline.study.chain import chain_yaml, checkpoint_steps
from pipeline.study.graph import check_graph, write_graph
from pipeline.study.params import Params
from pipeline.study.reading import load_params
from pipeline.study.reference import reference


def main() -> int:
    """Run the command that the arguments name; a mistake, or a full machine, is one sentence."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_study(commands)
    graph = commands.add_parser("graph", help="write graph.yaml anew, after an edit of params.yaml")
    graph.set_defaults(run=_graph)
    healing = commands.add_parser("heal", help="find and remove damaged outputs, DVC's copies too")
    healing.set_defaults(run=_heal)
    keys = commands.add_parser("reference", help="every key of params.yaml, as a page")
    keys.set_defaults(run=lambda _: reference(Path("presets")))
    planning.add_commands(commands)
    chain = commands.add_parser("chain", help="a chain of checkpoints, to paste into params.yaml")
    chain.add_argument(
        "--stop", type=number(Count), required=True, help="update of the last checkpoint"
    )
    chain.add_argument(
        "--every", type=number(Count), required=True, help="updates between two checkpoints"
    )
    chain.add_argument(
        "--early", type=number(Index), default=0, help="log-spaced ones before the first"
    )
    chain.set_defaults(run=_chain)
    _add_results(commands)
    add_models(commands)
    chosen = parser.parse_args()
    startup.interruptible()
    try:
        print(chosen.run(chosen))
    except Exception as error:
        return startup.told(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


# What dvc repro knows too, by its names: `pipeline.workers.options`.
_OPTIONS = {
    "force": ("-f", "run every stage, up to date or not"),
    "dry": (None, "say what would run, and change nothing"),
    "single_item": ("-s", "the targets alone, without the stages that they need"),
    "keep_going": ("-k", "after a failure go on with all that does not wait for it"),
    "allow_missing": (None, "pass over stages of which nothing but data is missing"),
}


def _add_study(commands: Any) -> None:
    study = commands.add_parser("repro", help="dvc repro with several stages at a time")
    study.add_argument("targets", nargs="*", help="stages to bring up to date (default: all)")
    study.add_argument(
        "--jobs", type=number(Count), metavar="N",
        help="stages at a time (default: one a core for a narrow model, else 1)",
    )  # fmt: skip
    _add_options(study)
    study.add_argument(
        "--on", choices=["ray"], help="also run on a cluster (docs/how-to/cluster.md)"
    )
    study.add_argument("--address", help="of the cluster (default: RAY_ADDRESS, else this machine)")
    study.add_argument(
        "--plain", action="store_true", help="a line at a time, as without a terminal"
    )
    study.set_defaults(run=_repro)


def _add_options(study: argparse.ArgumentParser) -> None:
    for name, (short, words) in _OPTIONS.items():
        names = [f"--{name.replace('_', '-')}", *([short] if short else [])]
        study.add_argument(*names, dest=name, action="store_true", help=words)


def _add_results(commands: Any) -> None:
    """What is done with the results of finished studies."""
    studies = commands.add_parser("compare", help="lay studies over each other, on one page")
    studies.add_argument(
        "studies", nargs="+", metavar="STUDY",
        help="a git revision, an experiment of DVC's, or the folder of a study",
    )  # fmt: skip
    studies.add_argument(
        "--out", type=Path, default=paths.REPORTS / "compare", help="the folder to write into"
    )
    studies.set_defaults(run=_compare)
    log = commands.add_parser("log", help="write the study for a tracker, without any network")
    log.add_argument("tracker", choices=TRACKERS)
    log.add_argument("out", type=Path, help="the folder to make")
    log.set_defaults(run=_log)
    columns = commands.add_parser("dictionary", help="every column of the tables, as a page")
    columns.set_defaults(run=_dictionary)


def _repro(chosen: argparse.Namespace) -> str:
    from pipeline.workers.board import Expected
    from pipeline.workers.driver import default_jobs, reproduce
    from pipeline.workers.options import Options
    from pipeline.workers.terminal import live

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("dvc").setLevel(logging.WARNING)
    params, options = load_params(), Options(**{name: getattr(chosen, name) for name in _OPTIONS})
    if options.dry:
        check_graph(params)
    elif write_graph(params):
        logging.info("graph.yaml was written anew for params.yaml%s", _left())
    jobs = chosen.jobs or default_jobs(params)
    pool = _cluster(params, chosen.address, jobs) if chosen.on and not options.dry else None
    if chosen.plain or options.dry or not sys.stdout.isatty():
        return reproduce(chosen.targets, jobs, options, pool)
    with live(jobs, lambda: Expected(stages_by_kind(params), flop_by_kind(params)), paths.SAID):
        return reproduce(chosen.targets, jobs, options, pool)


def _cluster(params: Params, address: str | None, jobs: int) -> Any:
    from pipeline.workers.cluster.needs import read_needs
    from pipeline.workers.cluster.ray_pool import RayPool

    nodes = read_needs(paths.CLUSTER)["pretrain"].nodes
    if nodes > 1 and params.pretrains() and params.pretrain.backend == "fairseq":
        raise UserError(
            f"{paths.CLUSTER}: pretrain: nodes is {nodes}, but fairseq trains on one: leave it out"
        )
    return RayPool(address, jobs, Path.cwd())


def _graph(chosen: argparse.Namespace) -> str:
    written = write_graph(load_params())
    return f"graph.yaml was written{_left()}" if written else "graph.yaml is up to date"


def _left() -> str:
    """Clear what left the study with the old graph, and say so."""
    from pipeline.workers.leftovers import clear_leftovers

    left = len(clear_leftovers())
    kept = "files of results that params.yaml no longer asks for are in DVC's cache alone now"
    return f"; {left} {kept}" if left else ""


def _heal(_: argparse.Namespace) -> str:
    from pipeline.workers.healing import heal

    found = heal()
    if not found:
        return "every output is what its stage made"
    listed = "\n".join(map(os.path.relpath, found))
    return (
        f"removed, since damaged:\n{listed}\nnow run dvc pull, if a remote has them, or dvc repro"
    )


def _chain(chosen: argparse.Namespace) -> str:
    return chain_yaml(checkpoint_steps(chosen.stop, chosen.every, chosen.early))


def _compare(chosen: argparse.Namespace) -> str:
    from pipeline.report.comparison.page import write_comparison
    from pipeline.report.comparison.studies import read_studies
    from pipeline.study.differences import differences

    studies = read_studies(chosen.studies)
    return write_comparison(studies, differences([one.params for one in studies]), chosen.out)


def _log(chosen: argparse.Namespace) -> str:
    from pipeline.report.loggers.series import series_of
    from pipeline.report.loggers.trackers import write_runs
    from pipeline.report.tables import read_tables

    params = load_params()
    cells = read_tables(paths.REPORTS).of("trajectory")
    logs = {name: paths.history(name) for name in params.segments()}
    series = series_of(cells, logs, read_yaml(paths.PARAMS))
    return write_runs(chosen.tracker, series, chosen.out)


def _dictionary(_: argparse.Namespace) -> str:
    from pipeline.report.dictionary import dictionary

    return dictionary()


if __name__ == "__main__":
    sys.exit(main())
