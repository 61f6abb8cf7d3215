"""Commands beside the pipeline: ``python -m pipeline --help`` lists them.

What one command alone needs, DVC or torch, is imported by it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pipeline import paths
from pipeline.common.checked import Count, Index, Range, ruled
from pipeline.dimension.levers import Precision
from pipeline.errors import UserError
from pipeline.estimate.costs import by_precision, efficiently, estimate
from pipeline.estimate.describe import describe, describe_precisions
from pipeline.estimate.speed import given_speed, measured_speed
from pipeline.published.fetching import pins
from pipeline.study.chain import chain_yaml, checkpoint_steps
from pipeline.study.graph import write_graph
from pipeline.study.reading import load_params
from pipeline.study.reference import reference

_FlopPerSecond = Annotated[float, Range(above=0, ceiling=1e30)]


def main() -> int:
    """Run the command that the arguments name; a user's mistake is one sentence and status 2."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    study = commands.add_parser("repro", help="dvc repro with several stages at a time")
    study.add_argument("targets", nargs="*", help="stages to bring up to date (default: all)")
    study.add_argument(
        "--jobs", type=_read(Count), metavar="N",
        help="stages at a time (default: one a core for a narrow model, else 1)",
    )  # fmt: skip
    study.set_defaults(run=_repro)
    graph = commands.add_parser("graph", help="write graph.yaml anew, after an edit of params.yaml")
    graph.set_defaults(run=_graph)
    keys = commands.add_parser("reference", help="every key of params.yaml, as a page")
    keys.set_defaults(run=lambda _: reference(Path("presets")))
    _add_estimate(commands.add_parser("estimate", help="what a study will cost"))
    chain = commands.add_parser("chain", help="a chain of checkpoints, to paste into params.yaml")
    chain.add_argument(
        "--stop", type=_read(Count), required=True, help="update of the last checkpoint"
    )
    chain.add_argument(
        "--every", type=_read(Count), required=True, help="updates between two checkpoints"
    )
    chain.add_argument(
        "--early", type=_read(Index), default=0, help="log-spaced ones before the first"
    )
    chain.set_defaults(run=_chain)
    pin = commands.add_parser("pin", help="the hub's present commits of published models")
    pin.add_argument("--params", type=Path, default=Path("params.yaml"))
    pin.set_defaults(run=_pin)
    task = commands.add_parser("apply", help="write the fine-tuned model of a task vector")
    task.add_argument("checkpoint", type=Path, help="e.g. checkpoints/s2000/model")
    task.add_argument("task", type=Path, help="the search's task.safetensors")
    task.add_argument("out", type=Path, help="the Hugging Face model folder to make")
    task.set_defaults(run=_apply)
    other = commands.add_parser(
        "convert", help="a fairseq checkpoint as a Hugging Face folder, or the reverse"
    )
    other.add_argument("source", type=Path, help="a fairseq checkpoint, or a Hugging Face folder")
    other.add_argument("out", type=Path, help="the folder to make")
    other.add_argument("--dict", type=Path, help="dict.txt (default: the one beside the source)")
    other.add_argument(
        "--tokenizer", type=Path, help="tokenizer folder for the Hugging Face folder"
    )
    other.set_defaults(run=_convert)
    chosen = parser.parse_args()
    try:
        print(chosen.run(chosen))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _add_estimate(cost: argparse.ArgumentParser) -> None:
    cost.add_argument(
        "--params", type=Path, default=paths.PARAMS, metavar="FILE",
        help="its parameters, e.g. presets/paper.yaml (default: params.yaml)",
    )  # fmt: skip
    cost.add_argument(
        "--efficient", action="store_true",
        help="as if both protocols were efficient and trajectory.neighbours true",
    )  # fmt: skip
    cost.add_argument(
        "--flops", type=_read(_FlopPerSecond), metavar="FLOP/s",
        help="sustained rate, e.g. 4e14 for an H200 at half its peak (default: what probes of the "
        "largest model come to on this machine, measured in some seconds)",
    )  # fmt: skip
    cost.add_argument(
        "--precision", type=_read(Precision), nargs="+", default=(), metavar="X",
        help="also the hours of search for each of these, e.g. 1.5 2 4 8",
    )  # fmt: skip
    cost.set_defaults(run=_estimate)


def _repro(chosen: argparse.Namespace) -> str:
    from pipeline.workers.driver import default_jobs, reproduce

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("dvc").setLevel(logging.WARNING)
    params = load_params()
    if write_graph(params):
        logging.info("graph.yaml was written anew for params.yaml")
    return reproduce(chosen.targets, chosen.jobs or default_jobs(params))


def _graph(chosen: argparse.Namespace) -> str:
    written = write_graph(load_params())
    return "graph.yaml was written" if written else "graph.yaml is up to date"


def _estimate(chosen: argparse.Namespace) -> str:
    params = load_params(chosen.params)
    params = efficiently(params) if chosen.efficient else params
    # What lies prepared in data belongs to the study's own parameters.
    prepared = chosen.params == paths.PARAMS
    made = estimate(params, prepared)
    speed = given_speed(chosen.flops) if chosen.flops else measured_speed(params, prepared)
    shown = describe(made, speed.flop_per_second, speed.said)
    if not chosen.precision:
        return shown
    by = by_precision(params, chosen.precision, prepared)
    return f"{shown}\n\n{describe_precisions(by, speed.flop_per_second)}"


def _chain(chosen: argparse.Namespace) -> str:
    return chain_yaml(checkpoint_steps(chosen.stop, chosen.every, chosen.early))


def _pin(chosen: argparse.Namespace) -> str:
    return pins(load_params(chosen.params).published())


def _apply(chosen: argparse.Namespace) -> str:
    from pipeline.apply import apply_task

    return apply_task(chosen.checkpoint, chosen.task, chosen.out)


def _convert(chosen: argparse.Namespace) -> str:
    from pipeline.backends.fairseq.convert import convert

    return convert(chosen.source, chosen.out, chosen.dict, chosen.tokenizer)


def _read(kind: Any) -> Callable[[str], Any]:
    """A reader of a number as params.yaml's fields of that type hold one."""
    own = ruled(kind)

    def number(text: str) -> Any:
        value = own.kind(text)
        if wanted := own.wanted(value):
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
