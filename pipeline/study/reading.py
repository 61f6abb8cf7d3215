"""From the text of params.yaml to checked parameters."""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.common.artifacts import Json
from pipeline.common.config import parse
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.study.checkpoints import written_out
from pipeline.study.checks import check
from pipeline.study.params import Params
from pipeline.study.tasks import completed

# What pretraining of our own cannot do without.
_OF_PRETRAINING = ("tokenizer", "corpus", "model", "pretrain")


def load_params(path: Path = paths.PARAMS) -> Params:
    """Read and check params.yaml.

    Raises:
        UserError: one sentence on the first mistake found.
    """
    return as_params(read_yaml(path), path)


def as_params(content: Json, path: Path = paths.PARAMS) -> Params:
    """Check what was read from params.yaml; ``path`` is its name in sentences.

    Raises:
        UserError: one sentence on the first mistake found.
    """
    content = _completed(content)
    params = parse(Params, content, f"{path}: params")
    missing = [key for key in _OF_PRETRAINING if content.get(key) is None]
    if params.pretrains() and missing:
        raise UserError(f"{path}: params lacks the key {missing[0]!r}, which pretraining needs")
    if params.pretrains() and "recipe" not in content["pretrain"]:
        raise UserError(f"{path}: params.pretrain lacks the key 'recipe', which DVC tracks")
    check(params)
    return params


def settings(path: Path = paths.PARAMS) -> Json:
    """params.yaml with short lines written out and tasks' defaults filled in, not yet typed."""
    return _completed(read_yaml(path))


def _completed(content: Json) -> Json:
    content = completed(content)
    if "checkpoints" in content:
        content["checkpoints"] = written_out(content["checkpoints"])
    return content
