"""Data sets of the Hugging Face hub, streamed; only data, never code, is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.common.checked import Name
from pipeline.common.quoted import quoted
from pipeline.errors import UserError


@dataclass(frozen=True)
class HubConfig:
    """A data set by ``id`` (or a local folder of Parquet files), pinned by ``revision``."""

    id: Name
    split: Name
    name: Name | None = None
    revision: Name | None = None


def read_hub(config: HubConfig) -> Iterator[dict[str, Any]]:
    """Yield the rows of one split, downloading them as they are read.

    Raises:
        UserError: the data set, its configuration, revision or split cannot be had.
    """
    import datasets

    # Bars of several stages would write over each other, and fill a log.
    datasets.disable_progress_bars()
    try:
        yield from datasets.load_dataset(
            config.id,
            config.name,
            split=config.split,
            revision=config.revision,
            streaming=True,
        )
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        part = f" ({config.name})" if config.name else ""
        raise UserError(
            f"hub data set {config.id!r}{part}, split {config.split!r}, cannot be loaded "
            f"({quoted(error)}): check id, name, split, revision and the network, or give files "
            "instead"
        ) from error
