"""The commands about models: those of others, and what other tools are given of ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.common.arguments import number
from pipeline.common.checked import Index
from pipeline.published.fetching import pins
from pipeline.study.reading import load_params


def add_models(commands: Any) -> None:
    """Add them to the commands of ``python -m pipeline``."""
    pin = commands.add_parser("pin", help="the hub's present commits of published models")
    pin.add_argument("--params", type=Path, default=Path("params.yaml"))
    pin.set_defaults(run=_pin)
    degrees = commands.add_parser(
        "reinitialise", help="a model in degrees: from random weights up to all its own"
    )
    degrees.add_argument("model", help="a folder, or with --hub a repository of the hub")
    degrees.add_argument("out", type=Path, help="the folder to make step-0, step-1, … in")
    degrees.add_argument("--hub", action="store_true", help="the model is on the hub")
    degrees.add_argument(
        "--steps", type=number(Index), nargs="+", metavar="S",
        help="0: all random; S: embeddings and the lowest S - 1 blocks its own (default: each)",
    )  # fmt: skip
    degrees.add_argument("--seed", type=int, default=0, help="of the weights (default 0)")
    degrees.set_defaults(run=_reinitialise)
    task = commands.add_parser("apply", help="write the fine-tuned model of a task vector")
    task.add_argument("checkpoint", type=Path, help="e.g. checkpoints/s2000/model")
    task.add_argument("task", type=Path, help="the search's task.safetensors")
    task.add_argument("out", type=Path, help="the Hugging Face model folder to make")
    task.set_defaults(run=_apply)
    adapter = commands.add_parser("adapter", help="write a task vector as an adapter for PEFT")
    adapter.add_argument("checkpoint", type=Path, help="e.g. checkpoints/s2000/model")
    adapter.add_argument("task", type=Path, help="the search's task.safetensors")
    adapter.add_argument("out", type=Path, help="the folder to make")
    adapter.add_argument("--base", help="where others find the checkpoint, as a hub repository")
    adapter.set_defaults(run=_adapter)
    sent = commands.add_parser("publish", help="prepare the finished study for the hub")
    sent.add_argument("name", help="the model's repository: owner/name")
    sent.add_argument("--out", type=Path, default=Path("build/publish"), help="the folder to make")
    sent.add_argument("--states", action="store_true", help="with the optimizer's states")
    sent.add_argument("--push", action="store_true", help="send the folder that was prepared")
    sent.add_argument("--public", action="store_true", help="let everybody see what is sent")
    sent.set_defaults(run=_publish)
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


def _pin(chosen: argparse.Namespace) -> str:
    return pins(load_params(chosen.params).published())


def _reinitialise(chosen: argparse.Namespace) -> str:
    from pipeline.published.place import Place
    from pipeline.published.reinitialise import write_degrees

    place = Place(chosen.model, source="hub" if chosen.hub else "folder")
    return write_degrees(place, chosen.out, chosen.steps, chosen.seed)


def _apply(chosen: argparse.Namespace) -> str:
    from pipeline.sharing.apply import apply_task

    return apply_task(chosen.checkpoint, chosen.task, chosen.out)


def _adapter(chosen: argparse.Namespace) -> str:
    from pipeline.sharing.adapter import write_adapter

    return write_adapter(chosen.checkpoint, chosen.task, chosen.out, chosen.base)


def _publish(chosen: argparse.Namespace) -> str:
    from pipeline.sharing.publish import prepare, push

    if not chosen.push:
        names = list(load_params().checkpoints)
        return prepare(chosen.name, names, chosen.out, states=chosen.states)
    from huggingface_hub import HfApi

    return push(chosen.out, HfApi(), chosen.name, private=not chosen.public)


def _convert(chosen: argparse.Namespace) -> str:
    from pipeline.backends.fairseq.convert import convert

    return convert(chosen.source, chosen.out, chosen.dict, chosen.tokenizer)
