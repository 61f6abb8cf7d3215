"""What the site does with pages that are written for readers of the repository too."""

from __future__ import annotations

import re
from pathlib import Path

# Beside docs, so a page of its own here (results.md).
_RESULTS = re.compile(r"\]\(\.\./benchmarks/RESULTS\.md")
_RESULTS_FILE = Path(__file__).parents[1] / "benchmarks/RESULTS.md"
_BACK = re.compile(r"\]\(\.\./docs/")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def on_page_markdown(markdown: str, page: object, **_: object) -> str:
    """Links that lead out of docs, as the site has them; the list of decisions."""
    path = page.file.src_uri  # type: ignore[attr-defined]
    if path == "decisions/index.md":
        folder = Path(page.file.abs_src_path).parent  # type: ignore[attr-defined]
        return f"{markdown}\n{_listed(folder)}"
    if path == "results.md":
        return _BACK.sub("](", _RESULTS_FILE.read_text(encoding="utf-8"))
    return _RESULTS.sub("](results.md", markdown)


def _listed(folder: Path) -> str:
    files = sorted(path for path in folder.glob("*.md") if path.name != "index.md")
    titles = [_TITLE.search(path.read_text(encoding="utf-8")) for path in files]
    return "\n".join(
        f"- [{title[1] if title else path.stem}]({path.name})"
        for path, title in zip(files, titles, strict=True)
    )
