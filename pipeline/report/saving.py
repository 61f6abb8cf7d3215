"""Figures to files: the same bytes for the same figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.common.artifacts import atomic_file
from pipeline.report.style import ReportConfig


def save_figure(figure: Any, folder: Path, name: str, config: ReportConfig) -> list[Path]:
    """Write a figure as SVG and PNG; return the paths."""
    paths = []
    for suffix in ("svg", "png"):
        path = folder / f"{name}.{suffix}"
        with atomic_file(path) as temporary:
            # A date in the file would make two equal figures differ.
            metadata = {"Date": None} if suffix == "svg" else {"Software": None}
            figure.savefig(temporary, format=suffix, dpi=config.dpi, metadata=metadata)
        paths.append(path)
    return paths
