"""A published model in degrees: drawn anew from the top down, so that less and less is pretrained.

These are no checkpoints of a pretraining. They are models with a known order, "how much of it is
pretrained", at the ends of which stand random weights and the model itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from pipeline.common.artifacts import atomic_directory
from pipeline.common.quiet import without_bars
from pipeline.common.seeds import isolated
from pipeline.errors import UserError
from pipeline.published.fetching import fetch
from pipeline.published.place import Place
from pipeline.subspace.layers import EMBEDDINGS, HEAD, block_keys
from pipeline.training.parameters import FlatParameters

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def write_degrees(
    place: Place, out: Path, steps: Sequence[int] | None = None, seed: int = 0
) -> str:
    """Write ``out/step-S`` for each step S, an ordinary model folder with its tokenizer.

    With S = 0 all weights are drawn, as the model's architecture draws them; with S ≥ 1 its
    embeddings and the lowest S − 1 of its L blocks are its own; with S = L + 1 all of it. What is
    drawn is the same in every folder.

    Args:
        place: the published model.
        out: the folder to make them in; those that exist are refused.
        steps: which; None for all L + 2.
        seed: what the weights are drawn from.

    Returns:
        A sentence that says what was written.

    Raises:
        UserError: the model cannot be used, a step is above L + 1, or a folder exists.
    """
    with TemporaryDirectory() as folder:
        origin = Path(folder) / "model"
        fetch(place, 0, origin)
        model, twin = _model(origin, place), _twin(origin, seed)
        spans = FlatParameters(model).spans
        keys = dict(zip((span.name for span in spans), block_keys(spans), strict=True))
        order = [key for key in dict.fromkeys(keys.values()) if key not in (EMBEDDINGS, HEAD)]
        last = len(order) + 1
        steps = range(last + 1) if steps is None else sorted(set(steps))
        for step in steps:
            if not 0 <= step <= last:
                raise UserError(
                    f"step {step} is not there: {place.describe()} has {len(order)} blocks, so "
                    f"steps go from 0, all drawn anew, to {last}, all its own"
                )
            if (out / f"step-{step}").exists():
                raise UserError(f"{out}/step-{step} exists: remove it, or name another folder")
        for step in steps:
            # Steps ascend, so what one has of the model all that follow have as well.
            own = {*keys.values()} if step == last else {*[EMBEDDINGS, *order][:step]}
            _take(twin, model, {name for name, key in keys.items() if key in own})
            _write(twin, origin, out / f"step-{step}")
    return f"{out}: {', '.join(f'step-{step}' for step in steps)} of {place.describe()}"


def _model(origin: Path, place: Place) -> PreTrainedModel:
    """The model without a head for a task.

    Raises:
        UserError: the folder lacks weights of it.
    """
    from transformers import AutoModel

    without_bars()
    model, loading = AutoModel.from_pretrained(
        origin, dtype=torch.float32, output_loading_info=True
    )
    if missing := sorted(loading["missing_keys"]):
        raise UserError(
            f"{place.describe()} lacks {len(missing)} of the model's weights, such as "
            f"{missing[0]}: give one that is whole"
        )
    return model  # type: ignore[no-any-return]


def _twin(origin: Path, seed: int) -> PreTrainedModel:
    """A model of the same architecture with weights from (seed, "twin")."""
    from transformers import AutoConfig, AutoModel

    with isolated(seed, "twin"):
        return AutoModel.from_config(  # type: ignore[no-any-return]
            AutoConfig.from_pretrained(origin), dtype=torch.float32
        )


@torch.no_grad()
def _take(twin: PreTrainedModel, model: PreTrainedModel, names: Collection[str]) -> None:
    own = dict(model.named_parameters())
    for name, parameter in twin.named_parameters():
        if name in names:
            parameter.copy_(own[name])


def _write(twin: PreTrainedModel, origin: Path, out: Path) -> None:
    without_bars()
    with atomic_directory(out) as folder:
        twin.save_pretrained(folder)
        for path in sorted(origin.glob("tokenizer*.json")):
            shutil.copyfile(path, folder / path.name)
