"""What to try where full fine-tuning is no better than chance, from how it went."""

from __future__ import annotations

from pipeline.common.status import Status
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import FullResult

# A metric on training rows so many standard errors of the evaluation set above chance is learning.
_CLEAR = 5.0
_MODELS = "a larger model, one pretrained for longer, or a published one (docs/models.md)"


def what_to_try(full: FullResult, config: FinetuneConfig, rows: int, off_scale: str) -> str:
    """One sentence on what may lift a cell above chance, the likeliest first.

    Args:
        full: how full fine-tuning went.
        config: the task's recipe.
        rows: the task's training rows.
        off_scale: what their targets' scale leaves to be done; empty where nothing.

    Returns:
        The sentence, with the present values; empty where the cell has a target to search for.
    """
    rates = ", ".join(f"{rate:g}" for rate in config.learning_rates)
    if full.status is Status.DIVERGED:
        return f"try smaller finetune.learning_rates (now {rates})"
    if full.status is Status.TARGET_BELOW_CHANCE:
        return "try search.target: chance_corrected, which counts the target from chance"
    if full.status is not Status.BASELINE_AT_CHANCE:
        return ""
    learned = (full.train_metric or 0.0) - full.chance > _CLEAR * full.chance_error
    seen = "" if full.train_metric is None else f" ({full.metric} {full.train_metric:.2f} on them)"
    if learned:
        return (
            f"it learns its training rows{seen}, but nothing that carries over: try more of them "
            f"(data.train_rows; now {rows:,}), then {_MODELS}"
        )
    first = f"{off_scale}; then " if off_scale else ""
    return (
        f"it hardly learns its training rows{seen}: {first}try more finetune.epochs (now "
        f"{config.epochs}) or other learning_rates (now {rates}), then more rows "
        f"(data.train_rows; now {rows:,}), then {_MODELS}"
    )
