"""Checkpoints on disk: an ordinary Hugging Face folder, and beside it what resuming needs."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pipeline.common.artifacts import Json, atomic_directory, fingerprint
from pipeline.common.manifest import MODEL_MANIFEST, STATE_MANIFEST, check_model, check_state, seal
from pipeline.common.quiet import without_bars
from pipeline.common.sealed import write_jsonl
from pipeline.errors import UserError
from pipeline.tokens.tokenizer import has_leading_space
from pipeline.training.onednn import through_onednn
from pipeline.training.optimizer_state import OptimizerState

if TYPE_CHECKING:
    from transformers import PreTrainedModel, RobertaForMaskedLM

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def save_model(
    model: PreTrainedModel, step: int, tokenizer_dir: Path | None, directory: Path
) -> None:
    """Write the model, its tokenizer and ``checkpoint.json``, atomically.

    That has the step, the hashes, and how the tokenizer is given texts.
    """
    without_bars()
    with atomic_directory(directory) as folder:
        model.save_pretrained(folder)
        if tokenizer_dir is not None:
            for name in _TOKENIZER_FILES:
                shutil.copyfile(tokenizer_dir / name, folder / name)
        spaced = tokenizer_dir is not None and has_leading_space(tokenizer_dir)
        seal(folder, MODEL_MANIFEST, step=step, leading_space=spaced)


def open_model(directory: Path, device: torch.device) -> RobertaForMaskedLM:
    """Load a checked checkpoint for further pretraining."""
    from transformers import RobertaForMaskedLM

    check_model(directory)
    without_bars()
    model: Any = RobertaForMaskedLM.from_pretrained(directory, dtype=torch.float32)
    model.to(device)
    through_onednn(model)
    return model  # type: ignore[no-any-return]


def save_state(state: OptimizerState, log: Sequence[Json], directory: Path) -> None:
    """Write the optimizer's state, and the log of the training that led here, atomically."""
    from safetensors.torch import save_file

    with atomic_directory(directory) as folder:
        save_file(dict(state.vectors), folder / "optimizer.safetensors")
        write_jsonl(folder / "training.jsonl", log)
        seal(folder, STATE_MANIFEST, step=state.step)


def open_state(directory: Path) -> OptimizerState:
    """Read what `save_state` wrote, checked against its hashes."""
    from safetensors.torch import load_file

    manifest = check_state(directory)
    return OptimizerState(manifest["step"], load_file(directory / "optimizer.safetensors"))


@dataclass(frozen=True)
class Halfway:
    """A segment half done: weights, optimizer state and log so far."""

    values: torch.Tensor
    optimizer: OptimizerState
    log: list[Json]

    def save(self, path: Path) -> None:
        """Write everything into one file; the caller gives a temporary path and renames it."""
        from safetensors.torch import save_file

        tensors = {"values": self.values, **self.optimizer.vectors}
        metadata = {"step": str(self.optimizer.step), "log": json.dumps(self.log)}
        save_file(tensors, path, {**metadata, "sha256": _content(tensors, metadata)})

    @staticmethod
    def open(path: Path) -> Halfway:
        """Read what `save` wrote.

        Raises:
            UserError: the file is truncated or altered.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as stream:
                metadata = stream.metadata()
                tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise UserError(f"{path} is truncated: delete it") from error
        digest = metadata.pop("sha256", None)
        if digest != _content(tensors, metadata):
            raise UserError(f"{path} is altered: delete it")
        values = tensors.pop("values")
        state = OptimizerState(int(metadata["step"]), tensors)
        return Halfway(values, state, json.loads(metadata["log"]))


def _content(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> str:
    """Hash of tensors and metadata, which their own file can carry."""
    hashes = {
        name: hashlib.sha256(tensor.cpu().numpy().data).hexdigest()
        for name, tensor in tensors.items()
    }
    return fingerprint([hashes, dict(metadata)])
