"""An experiment of PEFT's method comparison: a folder with what differs from its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.artifacts import atomic_directory, write_json
from pipeline.subspace.step_size import unit_rate


@dataclass(frozen=True)
class Rates:
    """Learning rates by d: ``relative`` times the unit that follows from full fine-tuning's."""

    full: float
    relative: float

    def at(self, d: int, size: int) -> float:
        """The learning rate of d numbers that move ``size`` weights (docs/normalisation.md)."""
        return self.relative * unit_rate(self.full, size=size, d=d, normalisation="entry")


def parameters_of(model: str) -> int:
    """D, the language model's parameters, tied ones once; no weights are loaded."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model))
    return sum(item.numel() for item in empty.parameters())


def write_experiment(
    scripts: Path,
    model: str,
    size: int,
    d: int,
    rates: Rates,
    training: Mapping[str, object],
) -> str:
    """Write ``experiments/said/MODEL-dD``; what lies there of an earlier run is replaced.

    Weights do not decay: among the d numbers are SAID's scales, which start at 1.

    Args:
        scripts: the folder of PEFT's ``run.py``.
        model: the model's name or folder.
        size: D.
        d: how many numbers are trained.
        rates: the learning rate.
        training: further parameters of the script that differ from its defaults.

    Returns:
        The experiment's path, as the script wants it.
    """
    from pipeline.sharing.said_tuner import SaidConfig

    name = f"experiments/said/{Path(model).name}-d{d}"
    optimizer = {"lr": rates.at(d, size), "weight_decay": 0.0}
    with atomic_directory(scripts / name) as folder:
        SaidConfig(task_type="CAUSAL_LM", d=d).save_pretrained(str(folder))
        write_json(
            folder / "training_params.json",
            {"model_id": model, "optimizer_kwargs": optimizer, **training},
        )
    return name
