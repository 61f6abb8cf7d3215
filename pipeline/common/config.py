"""YAML values to frozen dataclasses, strictly: every mistake is one sentence with its path."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import cattrs
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)

from pipeline.common.aliases import check_aliases
from pipeline.common.artifacts import Json
from pipeline.common.quoted import quoted
from pipeline.errors import UserError

T = TypeVar("T")


def parse(kind: type[T], value: Any, where: str) -> T:
    """Build the dataclass ``kind`` from ``value``; ``where`` is its place, as ``params.yaml``.

    Unknown keys (the nearest valid one is named), missing keys, values of another type and values
    that the dataclass itself refuses are a `UserError`.
    """
    if not isinstance(value, Mapping):
        raise UserError(f"{where} must be a mapping of keys to values, not {_show(value)}")
    try:
        return _CONVERTER.structure(value, kind)
    except BaseValidationError as error:
        path, cause = next(_leaves(error, ""))
        if isinstance(cause, KeyError):
            path = path.rpartition(".")[0]
        raise UserError(f"{where}{path}{_sentence(cause)}") from None


def read_yaml(path: Path | str) -> Json:
    """Read a YAML 1.2 mapping, with the reader that DVC uses, so that 1e-5 is a number."""
    from ruamel.yaml.error import YAMLError

    try:
        content = _document(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: copy one of presets/*.yaml to {path}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except RecursionError:
        raise UserError(f"{path} nests brackets or lines too deep: write it flatter") from None
    # Besides YAMLError, dates, numbers and aliases that cannot be are a ValueError.
    except (YAMLError, ValueError) as error:
        raise UserError(f"{path} is not valid YAML: {quoted(error)}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a mapping of sections")
    return content


def _document(text: str) -> Any:
    """What a YAML document says; its aliases are followed once it is known what they come to."""
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    node = reader.compose(text)
    if node is None:
        return None
    check_aliases(node)
    return reader.constructor.construct_document(node)


def nearest(key: str, valid: list[str]) -> str:
    """The phrase that points from a mistyped key to the closest valid one, or lists them all."""
    close = difflib.get_close_matches(key, valid, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"valid keys are {', '.join(sorted(valid))}"


def _exactly(*kinds: type) -> Callable[[Any, Any], Any]:
    """A structure hook that takes values of just these types and converts to the first."""

    def hook(value: Any, _: Any) -> Any:
        if type(value) not in kinds:
            raise TypeError(f" must be {_NAMES[kinds[0]]}, not {_show(value)}")
        return kinds[0](value)

    return hook


_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(int, _exactly(int))
    converter.register_structure_hook(float, _exactly(float, int))
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(bool, _exactly(bool))

    @converter.register_structure_hook_factory(_is_tuple_of_one_kind)
    def _tuple_hook(kind: Any, inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
        structure = homogenous_tuple_structure_factory(kind, inner)

        def hook(value: Any, target: Any) -> Any:
            # Text is iterable too: without this check "abc" would become ("a", "b", "c").
            if not isinstance(value, list | tuple):
                raise TypeError(f" must be a list, not {_show(value)}")
            return structure(value, target)

        return hook

    @converter.register_structure_hook_factory(_is_union_by_name)
    def _named_hook(kind: Any, inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
        kinds = {str(_own_name(member)): member for member in get_args(kind)}

        def hook(value: Any, _: Any) -> Any:
            return inner.structure(value, kinds[_checked_name(value, list(kinds))])

        return hook

    return converter


def _text(value: Any, kind: Any) -> Any:
    """Text, or the member of an Enum of texts, which the converter takes for text as well."""
    if not issubclass(kind, Enum):
        return _exactly(str)(value, kind)
    try:
        return kind(value)
    except ValueError:
        options = ", ".join(str(member.value) for member in kind)
        raise TypeError(f" is {value!r}, but must be one of {options}") from None


def _is_union_by_name(kind: Any) -> bool:
    """Whether the type is a choice between dataclasses, told apart by their key ``name``."""
    return get_origin(kind) in (Union, UnionType) and all(map(_own_name, get_args(kind)))


def _checked_name(value: Any, names: list[str]) -> str:
    if not isinstance(value, Mapping):
        raise TypeError(f" must be a mapping of keys to values, not {_show(value)}")
    if "name" not in value:
        raise TypeError(f" lacks the key 'name', one of {', '.join(sorted(names))}")
    name = str(value["name"])
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f": did you mean {close[0]!r}?" if close else ""
        raise TypeError(f".name is {value['name']!r}, but must be one of {sorted(names)}{hint}")
    return name


def _own_name(kind: Any) -> str | None:
    """The one value that the dataclass's ``name`` may have."""
    hint = get_type_hints(kind).get("name") if is_dataclass(kind) else None
    return str(get_args(hint)[0]) if get_origin(hint) is Literal else None


def _is_tuple_of_one_kind(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[-1:] == (Ellipsis,)


_CONVERTER = _make_converter()


def _leaves(error: BaseException, path: str) -> Iterator[tuple[str, BaseException]]:
    """Walk cattrs' nested groups down to each real error and the dotted path that leads to it."""
    if not isinstance(error, BaseValidationError):
        yield path, error
        return
    for inner in error.exceptions:
        yield from _leaves(inner, path + _step(error, inner))


def _step(group: BaseValidationError, inner: BaseException) -> str:
    notes = getattr(inner, "__notes__", [])
    for note in notes:
        if isinstance(group, ClassValidationError) and hasattr(note, "name"):
            return f".{note.name}"
        if isinstance(group, IterableValidationError) and hasattr(note, "index"):
            return f".{note.index}" if isinstance(note.index, str) else f"[{note.index}]"
    return ""


def _sentence(error: BaseException) -> str:
    if isinstance(error, ForbiddenExtraKeysError):
        extra = sorted(error.extra_fields)[0]
        valid = [field.name for field in fields(error.cl)]
        return f" has the unknown key {extra!r}: {nearest(extra, valid)}"
    if isinstance(error, KeyError):
        return f" lacks the key {error.args[0]!r}"
    message = str(error)
    if "argument of type" in message or message.endswith(("attribute 'items'", "attribute 'keys'")):
        return " must be a mapping of keys to values"
    if "not in literal" in message:
        value, _, options = message.partition(" not in literal ")
        return f" is {value!r}, but must be one of {options[options.index('[') :]}"
    return message if message.startswith((" ", ".")) else f": {message}"


def _show(value: Any) -> str:
    return "nothing" if value is None else f"{value!r}"
