"""The recipe as the command line of ``fairseq-train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.backends.fairseq.optimizer import adam
from pipeline.backends.job import Job

# Saving by epochs, and validating at every save, would only cost time: segments end by updates, and
# the held-out loss is measured on the converted model, the same way for every backend.
_NEVER = str(10**9)


# What fairseq's command line is told of the model, by the names that its checkpoints have.
_OF_MODEL = (
    "task", "criterion", "arch", "encoder_layers", "encoder_embed_dim", "encoder_ffn_embed_dim",
    "encoder_attention_heads", "dropout", "attention_dropout", "max_positions", "sample_break_mode",
)  # fmt: skip


def train_arguments(
    job: Job,
    model: dict[str, Any],
    first: int,
    data: Path,
    folder: Path,
    cpu: bool,
    processes: int,
) -> list[str]:
    """All arguments after ``fairseq-train``.

    Args:
        job: the segment.
        model: fairseq's arguments of the model, from `to_arguments`.
        first: the update that the segment starts at.
        data: the binarised corpus.
        folder: where fairseq finds the checkpoint to go on from, and saves its own.
        cpu: compute on the CPU.
        processes: how many processes fairseq spawns, one GPU each.
    """
    recipe, constants = job.recipe, adam(job.recipe.optimizer)
    options: dict[str, object] = {
        **{name.replace("_", "-"): model[name] for name in _OF_MODEL},
        "tokens-per-sample": recipe.length,
        "mask-prob": recipe.mask_probability,
        "batch-size": recipe.micro_batch,
        "update-freq": recipe.batch // (recipe.micro_batch * processes),
        # fairseq would otherwise round the size of a batch to a multiple of 8.
        "required-batch-size-multiple": 1,
        "optimizer": "adam",
        "adam-betas": str(constants.betas),
        "adam-eps": constants.eps,
        "weight-decay": constants.weight_decay,
        "clip-norm": 0.0,
        **_schedule(job, first),
        "max-update": job.stop,
        "seed": job.seed,
        "save-dir": folder,
        "save-interval": _NEVER,
        "save-interval-updates": recipe.save_every,
        "keep-interval-updates": 1,
        "log-format": "json",
        "log-interval": recipe.log_every,
        "distributed-world-size": processes,
        # The fast path's copies get no gradient, which the default takes for a mistake.
        "ddp-backend": "legacy_ddp",
    }
    switches = ["--no-epoch-checkpoints", "--disable-validation"]
    switches += ["--cpu"] if cpu else []
    switches += ["--bf16"] if recipe.precision == "bf16_weights" else []
    pairs = [(f"--{name}", str(value)) for name, value in options.items()]
    return [str(data), *(word for pair in pairs for word in pair), *switches]


def _schedule(job: Job, first: int) -> dict[str, object]:
    """The learning rate by the number of updates done.

    A decay is the linear schedule whose warm-up ends where the segment begins, which is right after
    the real warm-up: it starts at the peak.
    """
    recipe = job.recipe
    if recipe.schedule == "constant" and not job.decay:
        kind = {"lr-scheduler": "fixed", "warmup-updates": recipe.warmup_steps}
    else:
        warmup, total = recipe.warmup_steps, recipe.total_steps
        if job.decay:
            warmup, total = first, job.stop
        kind = {
            "lr-scheduler": "polynomial_decay",
            "warmup-updates": warmup,
            "total-num-update": total,
        }
    return {"lr": recipe.learning_rate, **kind}
