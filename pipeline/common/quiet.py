"""Libraries that draw progress bars, which a log has no use for."""

from __future__ import annotations


def without_bars() -> None:
    """Have transformers and the hub's library draw none, while they load a model or save one."""
    from transformers.utils import logging

    logging.disable_progress_bar()
