"""Columns of the tables, taken from the results' dataclasses: a new field is a new column.

Rules by the type of a field: a plain value is a column of its name; a dataclass is a column a
field, as ``cost_tokens``; a task's further metrics are a column each, as ``others_f1``; a list of
pairs is counted; any other list or mapping is told in words. What full fine-tuning and search both
have is ``full_…`` and ``search_…``, but for the search's ``deviations``, which tables of trainings
have as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pipeline.finetuning.result import FullResult
from pipeline.probes.result import FractionResult, SearchResult
from pipeline.report.cell import MeasuredCell
from pipeline.report.docstrings import meanings
from pipeline.report.results import Training

# Columns in order, each with pandas' name of its type. Whole numbers and truths may be missing.
Columns = dict[str, str]
Value = TypeVar("Value")

# Columns of a task's further metrics begin so; which there are the results tell.
OTHERS = "others_"
_TYPES = {bool: "boolean", int: "Int64", float: "float64"}
# Hashes, and answers to single examples.
_NO_COLUMN = ("inputs", "answers", "trials_sha256")
# Said once, by the search: both results agree, or, of status and reason, the search's are final.
_SHARED = (
    "model",
    "task",
    "step",
    "metric",
    "chance",
    "full_metric",
    "status",
    "reason",
)
# What a search has from full fine-tuning, whose dataclass explains it.
_OF_FULL = ("chance", "full_metric")
_FIRST = (
    "model", "label", "family", "step", "unit", "tokens_seen", "task", "method", "metric",
    "status", "d90", "d90_low", "d90_high", "d90_above", "d90_paper", "lower", "published", "ended",
    "monotone", "d_min", "d_max", "target", "target_error", "full_metric", "chance", "relative_gap",
    "bound", "representation",
)  # fmt: skip
_LAST = ("full_deviations", "deviations", "fractions", "reason", "advice")
# What else was measured of a cell, where that was asked for, in words.
BESIDE = {
    "bound": "the smallest bound on the risk (`certificates`); empty without a certificate",
    "representation": "TwoNN's dimension of the mean hidden states of the last layer, before any "
    "fine-tuning (`representation`); empty where it was not measured",
}
# Keeps its name although full fine-tuning may have the same.
_SEARCH_OWN = ("deviations",)
# Of a search, beside each of its trainings.
_OF_SEARCH = (
    "step", "method", "protocol", "deviations", "metric", "target", "full_metric", "chance",
    "projection", "normalisation", "fraction", "target_kind", "d_min", "d_max", "d90", "d90_low",
    "d90_high",
)  # fmt: skip


def cell_columns(full: type = FullResult, search: type = SearchResult) -> Columns:
    """The columns of a table with a row a cell, less those of further metrics."""
    columns = _joined(column_types(MeasuredCell), column_types(full), column_types(search))
    return _ordered({**columns, "relative_gap": "float64", **dict.fromkeys(BESIDE, "float64")})


def sweep_columns() -> Columns:
    """The columns of a table with a row a sweep: those of a cell, and what A21 published."""
    own = {name: kind for name, kind in cell_columns().items() if name not in BESIDE}
    return _ordered({**own, "published": "Int64"})


def cell_row(
    cell: MeasuredCell,
    full: FullResult,
    search: SearchResult,
    beside: Mapping[str, float | None] | None = None,
) -> dict[str, Any]:
    """A cell's row: what `cell_columns` names, and its task's further metrics.

    ``beside`` has what of `BESIDE` was measured of it.
    """
    row = _joined(_values(cell), _values(full), _values(search))
    gap = relative_gap(full.train_metric, full.full_metric)
    return {**row, "step": _step(cell, search), "relative_gap": gap, **(beside or {})}


def training_columns() -> Columns:
    """The columns of a table with a row a training."""
    search = column_types(SearchResult)
    of_search = {name: search[name] for name in _OF_SEARCH}
    return {**column_types(MeasuredCell), **of_search, **column_types(Training)}


def training_row(cell: MeasuredCell, search: SearchResult, training: Training) -> dict[str, Any]:
    """A training's row."""
    values = _values(search)
    of_search = {name: values[name] for name in _OF_SEARCH}
    own = {**_values(cell), "step": _step(cell, search)}
    return {**of_search, **own, **_values(training)}


def cell_meanings() -> dict[str, str]:
    """What each of `cell_columns` is, in words."""
    joined = _joined(column_meanings(MeasuredCell), column_meanings(FullResult), _of_the_search())
    gap = "(train − evaluation) / (1 − evaluation) of full fine-tuning; empty where that gives 1"
    return {**joined, "relative_gap": gap, **BESIDE}


def training_meanings() -> dict[str, str]:
    """What each of `training_columns` is, in words."""
    search = _of_the_search()
    of_search = {name: search[name] for name in _OF_SEARCH}
    return {**column_meanings(MeasuredCell), **of_search, **column_meanings(Training)}


def _of_the_search() -> dict[str, str]:
    """What a search's columns are; it refers to full fine-tuning for what it has from there."""
    full = column_meanings(FullResult)
    return {**column_meanings(SearchResult), **{name: full[name] for name in _OF_FULL}}


def column_types(kind: type) -> Columns:
    """The columns of a dataclass, by the rules above."""
    return {column: _type(hint) for column, (hint, _) in _each_column(kind).items()}


def column_meanings(kind: type) -> dict[str, str]:
    """What the docstring of a dataclass says of each of its columns."""
    return {column: said for column, (_, said) in _each_column(kind).items()}


@cache
def _each_column(kind: type) -> dict[str, tuple[Any, str]]:
    """The type of each column, as the dataclass hints at it, and what its docstring says.

    Asked for every row, and the docstring is read once.
    """
    hints, said = get_type_hints(kind), meanings(kind)
    columns: dict[str, tuple[Any, str]] = {}
    for name in (field.name for field in fields(kind) if field.name not in _NO_COLUMN):
        hint = hints[name]
        if is_dataclass(hint) and isinstance(hint, type):
            for own, (inner, words) in _each_column(hint).items():
                columns[f"{name}_{own}"] = (inner, f"{said[name].rstrip('.')}: {words}")
        elif f"{name}_" != OTHERS:
            columns[name] = (hint, said[name])
    return columns


def relative_gap(train: float | None, evaluation: float | None) -> float | None:
    """(train − evaluation) / (1 − evaluation) (A21 §5.3) of a metric whose best is 1.

    Undefined, None, where the evaluation metric is 1.
    """
    if train is None or evaluation is None or evaluation >= 1:
        return None
    return (train - evaluation) / (1 - evaluation)


def _step(cell: MeasuredCell, search: SearchResult) -> int | None:
    return None if cell.unit is None else search.step


def _joined(
    cell: Mapping[str, Value], full: Mapping[str, Value], search: Mapping[str, Value]
) -> dict[str, Value]:
    """The three under the names of columns, whether they map names to types or to values."""
    both = full.keys() & search.keys()
    own = {_name("full", key, both): value for key, value in full.items() if key not in _SHARED}
    found = {_name("search", key, both - {*_SEARCH_OWN}): value for key, value in search.items()}
    return {**own, **found, **cell}


def _name(stage: str, key: str, both: set[str]) -> str:
    return f"{stage}_{key}" if key in both and key not in _SHARED else key


def _ordered(columns: Columns) -> Columns:
    middle = [name for name in columns if name not in (*_FIRST, *_LAST)]
    return {name: columns[name] for name in (*_FIRST, *middle, *_LAST) if name in columns}


def _type(hint: Any) -> str:
    """Pandas' type of a column: that of a number or a truth if it is one, else that of text."""
    if get_origin(hint) is tuple:
        return "Int64" if get_origin(get_args(hint)[0]) is tuple else "object"
    known = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
    return _TYPES.get(known[0], "object")


def _values(one: Any) -> dict[str, Any]:
    """The values in a dataclass's columns."""
    row: dict[str, Any] = {}
    kind: type = type(one)
    columns = _each_column(kind)
    for name in (field.name for field in fields(one) if field.name not in _NO_COLUMN):
        value = getattr(one, name)
        if is_dataclass(value):
            row |= {f"{name}_{inner}": own for inner, own in _values(value).items()}
        elif f"{name}_" == OTHERS:
            row |= {f"{OTHERS}{inner}": own for inner, own in value.items()}
        elif isinstance(value, tuple) and _type(columns[name][0]) == "Int64":
            row[name] = len(value)
        else:
            row[name] = _in_words(value)
    return row


def _in_words(value: Any) -> Any:
    """A plain value as it is, a list or mapping as the field of a table."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_bracket(one)}" for name, one in value.items())
    return "; ".join(map(str, value)) if isinstance(value, tuple) else value


def _bracket(reading: FractionResult) -> str:
    """A fraction's smallest d, or between which values it lies as far as is known."""
    if reading.d is not None:
        return str(reading.d)
    lower, upper = reading.lower, reading.upper
    if upper is None:
        return "unknown" if lower is None else f"above {lower}"
    return f"at most {upper}" if lower is None else f"{lower} to {upper}"
