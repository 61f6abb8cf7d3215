"""How a dataclass is built of plain values, with cattrs; `pipeline.common.config` is the way in."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import cattrs
from cattrs.cols import homogenous_tuple_structure_factory, mapping_structure_factory
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn, override

from pipeline.common.checked import field_types, ruled, shown
from pipeline.common.config import nearest
from pipeline.errors import UserError

T = TypeVar("T")


def structured(kind: type[T], value: Any, where: str, *, strict: bool) -> T:
    """Build the dataclass; `pipeline.common.config.parse` says how, ``strict`` refuses extra keys.

    Raises:
        UserError: the value does not fit.
    """
    converter = _STRICT if strict else _LENIENT
    try:
        return converter.structure(value, kind)
    except (BaseValidationError, TypeError) as error:
        path, cause = next(_leaves(error, ""))
        section, _, key = path.rpartition(".")
        if isinstance(cause, KeyError):
            path = section
        elif isinstance(cause, _RefusedError):
            path = f"{section}: {key}"
        raise UserError(f"{where}{path}{_sentence(cause)}") from None


class _RefusedError(ValueError):
    """A value of the right type that the type's rules refuse."""


def _exactly(*kinds: type) -> Callable[[Any, Any], Any]:
    """A structure hook that takes values of just these types and converts to the first."""

    def hook(value: Any, _: Any) -> Any:
        if type(value) not in kinds:
            raise TypeError(f" must be {_NAMES[kinds[0]]}, not {shown(value)}")
        try:
            return kinds[0](value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf

    return hook


_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_PLAIN = {
    int: _exactly(int),
    float: _exactly(float, int),
    str: _exactly(str),
    bool: _exactly(bool),
}


def _make_converter(strict: bool) -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=strict)
    converter.register_structure_hook(bool, _PLAIN[bool])
    for kind in (int, float):
        converter.register_structure_hook(kind, _ruled_hook(kind, converter))
    text = _ruled_hook(str, converter)
    # The converter takes an Enum of texts for text as well.
    converter.register_structure_hook(
        str, lambda value, kind: (text if kind is str else _member)(value, kind)
    )
    converter.register_structure_hook_func(_is_literal, _option)
    # Of these the converter takes the last that fits.
    for fits, factory in (
        (is_dataclass, _section_hook),
        (_made_of(dict), _dict_hook),
        (_made_of(tuple), _tuple_hook),
        (_is_union_by_name, _named_hook),
        (_has_rules_or_null, _ruled_hook),
    ):
        converter.register_structure_hook_factory(fits)(factory)
    return converter


def _made_of(origin: type) -> Callable[[Any], bool]:
    """Whether a type is this container of something."""
    return lambda kind: get_origin(kind) is origin


def _has_rules_or_null(kind: Any) -> bool:
    own = ruled(kind)
    return bool(own.rules) or own.optional


def _ruled_hook(kind: Any, inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
    own = ruled(kind)
    structure = _PLAIN.get(own.kind) or inner.get_structure_hook(own.kind)

    def hook(value: Any, _: Any) -> Any:
        if value is None and own.optional:
            return None
        made = structure(value, own.kind)
        if wanted := own.wanted(made):
            raise _RefusedError(f" is {shown(made)}, but must be {wanted}")
        return made

    return hook


def _section_hook(kind: Any, inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
    # The converter's own reading of the fields' types would lose their rules.
    types = field_types(kind).items()
    hooks: Any = {name: override(struct_hook=inner.get_structure_hook(own)) for name, own in types}
    return _of_a_mapping(
        make_dict_structure_fn(
            kind, inner, _cattrs_forbid_extra_keys=inner.forbid_extra_keys, **hooks
        )
    )


def _dict_hook(kind: Any, inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
    # The converter's own method would register the unguarded hook for this type from then on.
    return _of_a_mapping(mapping_structure_factory(kind, inner))


def _of_a_mapping(structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, kind: structure(_checked_mapping(value), kind)


def _checked_mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f" must be a mapping of keys to values, not {shown(value)}")
    return value


def _tuple_hook(kind: Any, inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
    members = get_args(kind)
    if members[-1] is Ellipsis:
        structure, length = homogenous_tuple_structure_factory(kind, inner), None
    else:
        structure, length = _each_its_own(members, inner), len(members)

    def hook(value: Any, target: Any) -> Any:
        # Text is iterable too: without this check "abc" would become ("a", "b", "c").
        if not isinstance(value, list | tuple) or length not in (None, len(value)):
            raise TypeError(f" must be a list{f' of {length}' * bool(length)}, not {shown(value)}")
        return structure(value, target)

    return hook


def _each_its_own(kinds: tuple[Any, ...], inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
    """A structure hook for a list of a fixed length."""
    return lambda values, _: tuple(map(inner.structure, values, kinds))


def _named_hook(kind: Any, inner: cattrs.Converter) -> Callable[[Any, Any], Any]:
    kinds = {str(_own_name(member)): member for member in get_args(kind)}
    return lambda value, _: inner.structure(value, kinds[_checked_name(value, list(kinds))])


def _member(value: Any, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except ValueError:
        options = ", ".join(str(member.value) for member in kind)
        raise TypeError(f" is {shown(value)}, but must be one of {options}") from None


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _option(value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        raise TypeError(f" is {shown(value)}, but must be one of {list(get_args(kind))}")
    return value


def _is_union_by_name(kind: Any) -> bool:
    """Whether the type is a choice between dataclasses, told apart by their key ``name``."""
    return get_origin(kind) in (Union, UnionType) and all(map(_own_name, get_args(kind)))


def _checked_name(value: Any, names: list[str]) -> str:
    if "name" not in _checked_mapping(value):
        raise TypeError(f" lacks the key 'name', one of {', '.join(sorted(names))}")
    name, said = str(value["name"]), shown(value["name"])
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f": did you mean {close[0]!r}?" if close else ""
        raise TypeError(f".name is {said}, but must be one of {sorted(names)}{hint}")
    return name


def _own_name(kind: Any) -> str | None:
    """The one value that the dataclass's ``name`` may have."""
    hint = get_type_hints(kind).get("name") if is_dataclass(kind) else None
    return str(get_args(hint)[0]) if get_origin(hint) is Literal else None


_STRICT, _LENIENT = _make_converter(strict=True), _make_converter(strict=False)


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
        extra = min(error.extra_fields, key=str)
        valid = [field.name for field in fields(error.cl)]
        return f" has the unknown key {shown(extra)}: {nearest(extra, valid)}"
    if isinstance(error, KeyError):
        return f" lacks the key {error.args[0]!r}"
    message = str(error)
    return message if message.startswith((" ", ".")) else f": {message}"
