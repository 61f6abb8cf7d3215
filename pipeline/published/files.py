"""The files of a published model, as far as they are looked into before they are believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.common.checked import Name
from pipeline.errors import UserError


@dataclass(frozen=True)
class Config:
    """What is read of a ``config.json``."""

    model_type: Name | None = None
    pad_token_id: int | None = None
    type_vocab_size: int | None = None


@dataclass(frozen=True)
class WeightIndex:
    """The index of weights in several files: tensor → file."""

    weight_map: dict[Name, Name]

    def __post_init__(self) -> None:
        if not self.weight_map:
            raise ValueError("weight_map is empty, but must name the file of each tensor")


def tensor_names(path: Path, where: str) -> list[str]:
    """The tensors that a file's header names, once it fits the file's size.

    Args:
        path: the safetensors file.
        where: names it in sentences.

    Raises:
        UserError: it is truncated, no safetensors file, or holds none.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            names = list(stream.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{where} is truncated or no safetensors file ({error})") from None
    if not names:
        raise UserError(f"{where} holds no tensors")
    return names
