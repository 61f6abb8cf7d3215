"""Arguments of a command line, held to the rules that params.yaml's fields are held to."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pipeline.common.checked import ruled


def number(kind: Any) -> Callable[[str], Any]:
    """A reader of a number as params.yaml's fields of that type hold one."""
    own = ruled(kind)

    def read(text: str) -> Any:
        value = own.kind(text)
        if wanted := own.wanted(value):
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text}")
        return value

    return read
