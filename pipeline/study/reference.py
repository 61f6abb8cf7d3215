"""Every key of params.yaml as a page, from the dataclasses that hold the keys: none is forgotten.

Types, defaults and allowed values are those that the parser goes by, words are the dataclasses'
own, and examples come from the presets, from the default, or from the few lines below.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass
from enum import Enum
from io import StringIO
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pipeline.common.artifacts import Json
from pipeline.common.checked import Distinct, Range, Rule, Text, field_types, ruled
from pipeline.study.params import Params
from pipeline.study.reading import settings

_BEGINNING = """\
# Every key of params.yaml

Written by `python -m pipeline reference > docs/reference/parameters.md`; a test holds it to the
code. `NAME` stands for a name of your own, `[]` for each entry of a list. A key whose default is
none must be there, if its section is. The sections `data` and `finetune` beside `tasks` hold
defaults for all tasks: they have the keys of `tasks.NAME.data` and `tasks.NAME.finetune`, none of
which must be there. How to use the keys: [tasks](../tasks.md), [models](../models.md),
[pretraining](../pretraining.md), [search](../search.md).
"""
_PRESETS = ("laptop", "beyond", "files", "one-gpu", "paper", "multiberts", "table1", "zoo")
# Of keys that no preset sets and whose default is null, by the key's last part, or its last two.
_EXAMPLES: Mapping[str, Any] = {
    "after": "s1000", "certificates": {"d": [100, 300]}, "epochs": 3, "evaluations": 10,
    "folder": "checkpoint-{step}", "taskspaces": {"snapshots": 8, "dimension": 8},
    "format": "tsv", "header": ["label", "text"], "id": "FacebookAI/roberta-base",
    "label": "20k", "learning_rates": [0.001, 0.005], "max_steps": 500, "metric": "matthews",
    "drop": {"label": ["-"]}, "pad_token": "<|endoftext|>", "revision": "main",
    "raw_labels": {"1": "negative", "2": "positive"}, "representation": {"rows": 500},
    "split": {"eval": 0.1}, "split.eval": 0.1, "split.column": "fold",
    "split.values": {"fit": "train", "dev": "eval"}, "tag": "round", "quoting": "none",
    "transfer": {"dimension": 8},
    "tokenizer": "google-bert/bert-base-uncased", "tokenizer_revision": "main",
    "values": [100, 1000, 10000], "weight_decay": 0.01,
}  # fmt: skip
_WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}


@dataclass(frozen=True)
class Key:
    """A key: its dotted path, its field and type, and the dataclass that has it."""

    path: str
    field: Field[Any]
    kind: Any
    owner: Any


def reference(presets: Path) -> str:
    """The page, in Markdown; examples are read from the folder ``presets``."""
    contents = [settings(presets / f"{name}.yaml") for name in _PRESETS]
    parts = [_BEGINNING]
    for path, kind in sections(Params, ""):
        parts += [f"## {f'`{path}`' if path else 'Sections'}", _prose(kind)]
        rows = [_row(key, contents) for key in keys(path, kind)]
        parts.append("\n".join([_line(_HEAD), _line(["---"] * len(_HEAD)), *map(_line, rows)]))
    return "\n\n".join(part.strip() for part in parts if part.strip())


_HEAD = ("key", "type", "default", "allowed", "example", "what it is")


def sections(kind: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every dataclass of the tree with the path to it, a section before those inside it."""
    yield path, kind
    for name, own in field_types(kind).items():
        for inside, step in _inner(own):
            mark = f"{path}.{name}" if path else name
            yield from sections(inside, mark + step)


def keys(path: str, kind: Any) -> list[Key]:
    """The keys of a section."""
    types = field_types(kind)
    start = f"{path}." if path else ""
    return [Key(start + field.name, field, types[field.name], kind) for field in fields(kind)]


def _inner(kind: Any) -> Iterator[tuple[Any, str]]:
    """The dataclasses that a type has inside, each with what its path goes on by."""
    own = ruled(kind).kind
    if is_dataclass(own):
        yield own, ""
    elif get_origin(own) in (Union, UnionType):
        for member in get_args(own):
            yield from ((inside, f" ({_name(inside)})") for inside, _ in _inner(member))
    elif get_origin(own) in (tuple, dict):
        step = "[]" if get_origin(own) is tuple else ".NAME"
        last = get_args(own)[0] if step == "[]" else get_args(own)[1]
        yield from ((inside, step + more) for inside, more in _inner(last))


def _name(kind: Any) -> str:
    """What the key ``name`` says of one of several dataclasses."""
    return str(get_args(field_types(kind)["name"])[0])


def example(key: Key, contents: Sequence[Json]) -> Any:
    """A value of the key: from the first preset that has one, the examples here, or the default."""
    steps = re.sub(r" \(.*?\)", "", key.path).replace("[]", ".0").split(".")
    found = (value for content in contents if (value := _at(content, steps)) not in (None, {}, []))
    default = _default(key.field)
    names = (".".join(steps[-2:]), steps[-1])
    known = next((_EXAMPLES[name] for name in names if name in _EXAMPLES), None)
    return next(found, known if default in (None, MISSING) else default)


def _at(value: Any, steps: Sequence[str]) -> Any:
    """What lies in nested mappings and lists; ``NAME`` is the first entry that leads on."""
    if not steps:
        return value
    if steps[0] == "NAME" and isinstance(value, Mapping):
        inner = (_at(one, steps[1:]) for one in value.values())
        return next((one for one in inner if one is not None), None)
    if isinstance(value, Mapping):
        return _at(value.get(steps[0]), steps[1:])
    if isinstance(value, Sequence) and steps[0] == "0" and value:
        inner = (_at(one, steps[1:]) for one in value)
        return next((one for one in inner if one is not None), None)
    return None


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING


def _row(key: Key, contents: Sequence[Json]) -> list[str]:
    default, shown_example = _default(key.field), example(key, contents)
    nested = any(_inner(key.kind))
    return [
        f"`{key.path}`",
        type_in_words(key.kind),
        _default_in_words(default, nested),
        allowed(key.kind),
        "see below" if nested else _code(shown_example),
        _told(key),
    ]


def _default_in_words(default: Any, nested: bool) -> str:
    if default is MISSING:
        return "none"
    return "its keys' own" if nested and default else _code(default)


def type_in_words(kind: Any) -> str:
    """A type as users say it."""
    own = ruled(kind)
    return _plain(own.kind) + (" or null" if own.optional else "")


def _plain(kind: Any) -> str:
    if kind in _WORDS:
        return _WORDS[kind]
    if get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return "text"
    if get_origin(kind) is tuple:
        return f"list of {_plural(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"mapping of names to {_plural(get_args(kind)[1])}"
    return "section"


def _plural(kind: Any) -> str:
    word = type_in_words(kind)
    return (
        word if word.endswith("false") or word == "text" else f"{word}s".replace("null s", "null")
    )


def allowed(kind: Any) -> str:
    """What a type's values may be, where that is said."""
    own = ruled(kind)
    if get_origin(own.kind) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(own.kind))
    said = [words for rule in own.rules if (words := _demand(rule))]
    if get_origin(own.kind) is tuple:
        each = allowed(get_args(own.kind)[0])
        said += [f"each {each}"] if each else []
    return "; ".join(said)


def _demand(rule: Rule) -> str:
    """A rule in words: what it answers to a value that keeps none."""
    if isinstance(rule, Range):
        bounded = {rule.least, rule.above, rule.most, rule.below} != {None}
        return (rule.wanted(math.nan) or "") if bounded else ""
    if isinstance(rule, Text):
        return "not empty" if rule.filled else ""
    return (rule.wanted((0, 0)) or "") if isinstance(rule, Distinct) else ""


def _code(value: Any) -> str:
    """A value as params.yaml has it, on one line."""
    from ruamel.yaml import YAML

    stream, writer = StringIO(), YAML(typ="safe", pure=True)
    writer.default_flow_style, writer.width, writer.allow_unicode = True, 1 << 20, True
    writer.dump(_plain_value(value), stream)
    text = stream.getvalue().removesuffix("...\n").strip()
    return _escaped(f"`{text}`")


def _plain_value(value: Any) -> Any:
    """A value of dataclasses, tuples and rounded numbers as YAML writes it."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value


def _docstring(kind: Any) -> tuple[str, dict[str, str]]:
    """What a dataclass says of itself, and of each of its attributes."""
    text = inspect.getdoc(kind) or ""
    prose, _, listed = text.partition("\nAttributes:\n")
    own: dict[str, str] = {}
    for line in listed.splitlines():
        if begun := re.match(r" {4}(\w+): (.*)", line):
            name = begun[1]
            own[name] = begun[2]
        elif line.strip():
            own[name] += f" {line.strip()}"
    return prose, own


def _prose(kind: Any) -> str:
    return _markdown(" ".join(_docstring(kind)[0].split()))


def _told(key: Key) -> str:
    """What is said of a key, or where: often one line tells of several."""
    _, own = _docstring(key.owner)
    name = key.field.name
    if name in own:
        return _markdown(own[name])
    return next((f"see `{other}`" for other, text in own.items() if f"``{name}``" in text), "")


def _markdown(text: str) -> str:
    """A docstring's text: code in single backticks."""
    return _escaped(text.replace("``", "`"))


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
