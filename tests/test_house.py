"""The shape of the house: how much of it there is to hold in mind, and that words point somewhere."""

from __future__ import annotations

import ast
import re
import statistics
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    chain(
        *((ROOT / name).rglob("*.py") for name in ("pipeline", "stages", "benchmarks", "examples"))
    )
)
# Triton compiles each of these as one program.
KERNELS = ROOT / "pipeline/subspace/kernels"


def room(module: str) -> str:
    """A package below pipeline, a module at its root, or another folder as a whole."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "pipeline" else parts[0]


def rooms() -> dict[str, set[str]]:
    """Which rooms each room imports from."""
    graph = grimp.build_graph("pipeline", "stages", "benchmarks", "examples")
    found: dict[str, set[str]] = {}
    for module in graph.modules - {"pipeline"}:
        used = {room(other) for other in graph.find_modules_directly_imported_by(module)}
        found.setdefault(room(module), set()).update(used - {room(module), "pipeline"})
    return found


def test_the_house_has_few_rooms_and_no_circles() -> None:
    found = rooms()
    assert len(found) <= 30, sorted(found)
    tuple(TopologicalSorter(found).static_order())  # raises where rooms import each other


def test_the_root_keeps_few_modules() -> None:
    assert len(list((ROOT / "pipeline").glob("*.py"))) <= 10


def lengths(path: Path) -> list[tuple[int, str]]:
    """Lines of each function, its docstring aside."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            has_docstring = ast.get_docstring(node) is not None
            body = node.body[1:] if has_docstring else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            found.append((lines, f"{path.relative_to(ROOT)}:{node.name}"))
    return found


def long_functions(paths: list[Path]) -> list[str]:
    """The functions of more than 60 lines, docstrings included."""
    return [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]


def test_functions_are_short() -> None:
    outside = [path for path in SOURCES if not path.is_relative_to(KERNELS)]
    found = sorted(chain(*map(lengths, outside)))
    counts = [lines for lines, _ in found]
    assert statistics.median(counts) <= 8
    assert statistics.quantiles(counts, n=10)[-1] <= 22
    assert long_functions(outside) == []


def test_files_can_be_read_in_one_sitting() -> None:
    long = [str(path) for path in SOURCES if len(path.read_text().splitlines()) > 300]
    assert long == []


def test_rows_have_types() -> None:
    mentions = sum(path.read_text().count("dict[str, Any]") for path in SOURCES)
    assert mentions <= 142 // 3


def test_every_section_of_the_method_that_is_named_is_there() -> None:
    headings = set(re.findall(r"^## (\d)\. ", (ROOT / "docs/method.md").read_text(), re.MULTILINE))
    texts = [path.read_text() for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")]]
    named = set(re.findall(r"method §(\d)", " ".join(texts)))
    assert named and named <= headings
    assert not any("METHOD" + " §" in text for text in texts)
