"""What no single section of params.yaml can see: that they fit each other."""

from __future__ import annotations

import re
from collections.abc import Collection

from pipeline.backends.fairseq.optimizer import adam
from pipeline.common.config import nearest
from pipeline.errors import UserError
from pipeline.study.checkpoints import predecessors
from pipeline.study.params import Params

# DVC drops keys that look like numbers, and names go into commands and paths.
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# Whose tokenizer a task is tokenised with: a model's own, or the one of the trajectory.
SHARED_TOKENS = "trajectory"


def check(params: Params) -> None:
    """Check that the sections fit each other.

    Raises:
        UserError: one sentence on the first that does not.
    """
    _check_names(params)
    if not params.checkpoints and not params.zoo.models:
        raise UserError(
            "params.yaml: no model is measured: name some in checkpoints or in zoo.models"
        )
    if params.pretrains():
        _check_pretraining(params)
    else:
        _check_suite(params)
    _check_zoo(params)
    _check_rates(params)
    if params.certificates is not None and params.subspace.head != "inside":
        raise UserError(
            "params.yaml: certificates count the bits of the d numbers, so subspace.head must be "
            f"inside, not {params.subspace.head}"
        )
    if params.transfer is not None and not (params.taskspaces and params.taskspaces.keep):
        raise UserError(
            "params.yaml: transfer puts the directions of task-specific subspaces together, so "
            "taskspaces.keep must be true"
        )
    if params.report.axis == "tokens" and params.tokens_per_step() is None:
        raise UserError(
            "params.yaml: report.axis is tokens, so trajectory.tokens_per_update must say how "
            f"many tokens one of the trajectory's {params.trajectory.unit} has"
        )


def _check_names(params: Params) -> None:
    for section, names in (
        ("checkpoints", params.checkpoints),
        ("tasks", params.tasks),
        ("zoo.models", params.zoo.models),
    ):
        for name in names:
            if not _NAME.fullmatch(name) or name == SHARED_TOKENS:
                raise UserError(
                    f"params.yaml: {section} has the name {name!r}: use small letters, digits "
                    f"and _, a letter first, and not {SHARED_TOKENS!r} (DVC drops names that look "
                    "like numbers)"
                )


def _check_rates(params: Params) -> None:
    """Absolute learning rates belong to ``reference``, and it to them."""
    normalisation = params.subspace.normalisation
    sections = {"search": params.search.learning_rates}
    if params.sweep.models:
        sections["sweep.probes"] = params.sweep.probes.learning_rates
    for section, listed in sections.items():
        if listed is not None and normalisation != "reference":
            raise UserError(
                f"params.yaml: {section}.learning_rates are the same at every d, which only fits "
                f"subspace.normalisation: reference, and it is {normalisation}: say "
                f"{section}.rates, which are relative to full fine-tuning's and move with d "
                "(docs/normalisation.md)"
            )
        if listed is None and normalisation == "reference":
            raise UserError(
                f"params.yaml: {section}.rates have no unit with subspace.normalisation: "
                f"reference: say {section}.learning_rates, such as [1.0e-3, 5.0e-3, 1.0e-2, 3.0e-2]"
            )


def _check_pretraining(params: Params) -> None:
    _check_chain(params)
    _check_counting(params)
    _check_lengths(params)
    if params.pretrain.backend == "fairseq":
        _check_fairseq(params)


def _check_chain(params: Params) -> None:
    recipe = params.pretrain.recipe
    for name, before in predecessors(params.checkpoints).items():
        line, where = params.checkpoints[name], f"params.yaml: checkpoints.{name}"
        if before is None and (line.step or name != params.first()):
            raise UserError(
                f"{where}.step is {line.step}, and no checkpoint is before it: exactly one must be "
                "at 0, the model before its first update"
            )
        if line.decay and recipe.schedule != "constant":
            raise UserError(
                f"{where}.decay needs pretrain.recipe.schedule: constant (linear decays anyway)"
            )
        if line.step > recipe.total_steps and recipe.schedule == "linear":
            raise UserError(
                f"{where}.step is {line.step}, but the learning rate is 0 from "
                f"pretrain.recipe.total_steps {recipe.total_steps} on"
            )
        if line.label or line.revision:
            raise UserError(
                f"{where} has a label or a revision, which only a suite's checkpoints have: "
                "remove it, or set trajectory.source to hub or folder"
            )


def _check_counting(params: Params) -> None:
    trajectory = params.trajectory
    for key in ("suite", "tokenizer", "tokens_per_update"):
        if getattr(trajectory, key) is not None:
            raise UserError(
                f"params.yaml: trajectory.{key} is for a published suite: remove it, or set "
                "trajectory.source to hub or folder"
            )
    if trajectory.unit != "updates":
        raise UserError(
            f"params.yaml: trajectory.unit is {trajectory.unit}, but pretraining counts updates: "
            "leave it out"
        )


def _check_lengths(params: Params) -> None:
    assert params.corpus is not None
    length, positions = params.pretrain.recipe.length, params.model.positions
    if length > positions:
        raise UserError(
            f"params.yaml: pretrain.recipe.length is {length}, above model.positions {positions}"
        )
    if params.corpus.max_sentence_tokens > length - 2:
        raise UserError(
            f"params.yaml: corpus.max_sentence_tokens is {params.corpus.max_sentence_tokens}, but "
            f"pretrain.recipe.length {length} leaves room for {length - 2}"
        )
    for name, task in params.tasks.items():
        if task.data.max_length > positions:
            raise UserError(
                f"params.yaml: tasks.{name}.data.max_length is {task.data.max_length}, above "
                f"model.positions {positions}"
            )


def _check_fairseq(params: Params) -> None:
    recipe, where = params.pretrain.recipe, "params.yaml: pretrain.backend is fairseq, "
    adam(recipe.optimizer)
    if recipe.compile:
        raise UserError(f"{where}which cannot compile: set pretrain.recipe.compile to false")
    if recipe.precision == "bf16":
        raise UserError(
            f"{where}which has no bf16 autocast: set pretrain.recipe.precision to bf16_weights "
            "or fp32"
        )
    if recipe.batch % recipe.micro_batch:
        raise UserError(
            f"{where}which needs pretrain.recipe.batch {recipe.batch} to be a multiple of "
            f"micro_batch {recipe.micro_batch}"
        )
    for name, before in params.segments().items():
        decays = params.checkpoints[name].decay
        if decays and params.checkpoints[before].step < recipe.warmup_steps:
            raise UserError(
                f"{where}which cannot decay on the way to {name} before the end of the warm-up at "
                f"update {recipe.warmup_steps}"
            )


def _check_suite(params: Params) -> None:
    trajectory = params.trajectory
    if not params.checkpoints:
        return
    if trajectory.suite is None:
        raise UserError(
            f"params.yaml: trajectory.source is {trajectory.source}, so trajectory.suite must say "
            "where the checkpoints are"
        )
    predecessors(params.checkpoints)
    if trajectory.tokenizer is not None and trajectory.tokenizer not in params.checkpoints:
        raise UserError(
            f"params.yaml: trajectory.tokenizer is {trajectory.tokenizer!r}, but must be one of "
            f"the checkpoints: {nearest(trajectory.tokenizer, list(params.checkpoints))}"
        )
    for name, line in params.checkpoints.items():
        if line.decay:
            raise UserError(f"params.yaml: checkpoints.{name}.decay is for pretraining: remove it")
    _check_places(params)


def _check_places(params: Params) -> None:
    """Every checkpoint of the suite lies in a place of its own."""
    try:
        places = params.published()
    except ValueError as error:
        raise UserError(f"params.yaml: trajectory.suite: {error}") from None
    seen: dict[tuple[str, str | None, str | None], str] = {}
    for name in params.checkpoints:
        place = places[name]
        other = seen.setdefault((place.id, place.revision, place.folder), name)
        if other != name:
            raise UserError(
                f"params.yaml: trajectory.suite gives {other} and {name} the same place "
                f"({place.describe()}): put {{step}} or {{label}} where they differ"
            )


def _check_zoo(params: Params) -> None:
    zoo, sweep = params.zoo, params.sweep
    for where, names, known in (
        ("zoo.tasks", zoo.tasks, params.tasks),
        ("zoo.search", zoo.search, zoo.tasks),
        ("sweep.models", sweep.models, zoo.models),
        ("sweep.tasks", sweep.tasks, zoo.tasks),
    ):
        _check_named(where, names, known)
    both = sorted(set(zoo.models) & set(params.checkpoints))
    if both:
        raise UserError(
            f"params.yaml: zoo.models and checkpoints both have a {both[0]!r}: rename one"
        )
    parts = (sweep.models, sweep.tasks, sweep.methods)
    if any(parts) and not all(parts):
        raise UserError(
            "params.yaml: a sweep needs models, tasks and methods: fill sweep.models, sweep.tasks "
            "and sweep.methods, or leave all three empty"
        )


def _check_named(where: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            hint = nearest(name, list(known)) if known else "there is none to name"
            raise UserError(f"params.yaml: {where} names {name!r}: {hint}")
    if len(set(names)) < len(names):
        raise UserError(f"params.yaml: {where} names one twice")
