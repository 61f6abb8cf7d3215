"""What the docstring of a dataclass says of its fields, for references that are generated."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

_ENTRY = re.compile(r"^    (\w+): (.*)")
_ATTRIBUTES = "\nAttributes:\n"


def meanings(kind: type) -> dict[str, str]:
    """For each field of a dataclass what its docstring says of it, on one line of Markdown.

    That is the field's entry under ``Attributes``; else the sentences that mention it of the entry
    of another field, which is named; else those of the text above; else nothing.
    """
    text, entries = _parts(kind)
    return {field.name: _meaning(field.name, text, entries) for field in fields(kind)}


def summary(kind: type) -> str:
    """The first line of a class's docstring, as Markdown."""
    return _markdown(inspect.cleandoc(kind.__doc__ or "").partition("\n")[0])


def _parts(kind: type) -> tuple[str, dict[str, str]]:
    """The text of a class and of those that it extends, and all entries under ``Attributes``."""
    texts: list[str] = []
    entries: dict[str, str] = {}
    for one in kind.__mro__:
        text, _, attributes = inspect.cleandoc(one.__doc__ or "").partition(_ATTRIBUTES)
        texts.append(text)
        entries = {**_entries(attributes), **entries}
    return "\n\n".join(texts), entries


def _entries(attributes: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in attributes.splitlines():
        if start := _ENTRY.match(line):
            name = start[1]
            found[name] = start[2]
        elif name and line.startswith("     "):
            found[name] += f" {line.strip()}"
        else:
            name = ""
    return found


def _meaning(name: str, text: str, entries: dict[str, str]) -> str:
    if name in entries:
        return _markdown(entries[name])
    for other, entry in entries.items():
        if said := _sentences(entry, name):
            return _markdown(f"with ``{other}``: {said}")
    return _markdown(_sentences(text, name))


def _sentences(text: str, name: str) -> str:
    """The sentences of a text that mention a name; one ends before a capital or a name."""
    every = re.split(r"(?<=\.)\s+(?=[A-Z`])", " ".join(text.split()))
    return " ".join(one for one in every if f"``{name}``" in one)


def _markdown(text: str) -> str:
    return text.replace("``", "`").replace("|", r"\|")
