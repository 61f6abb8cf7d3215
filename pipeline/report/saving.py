"""Figures to files: the same bytes for the same figure."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pipeline.common.artifacts import atomic_file
from pipeline.report.style import ReportConfig

# By format what would make two equal figures differ: dates, and the versions of programs.
_VARIES: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def save_figure(figure: Any, folder: Path, name: str, config: ReportConfig) -> list[Path]:
    """Write a figure as SVG, PDF and PNG; return the paths."""
    # It tells of every table of every font that a PDF takes letters from.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    paths = []
    for suffix, metadata in _VARIES.items():
        path = folder / f"{name}.{suffix}"
        with atomic_file(path) as temporary:
            figure.savefig(temporary, format=suffix, dpi=config.dpi, metadata=metadata)
        paths.append(path)
    return paths
