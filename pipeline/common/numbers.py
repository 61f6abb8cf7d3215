"""Numbers of a command line, held to the rules of params.yaml's types."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pipeline.common.checked import ruled


def read(kind: Any) -> Callable[[str], Any]:
    """A reader of a number as params.yaml's fields of that type hold one."""
    own = ruled(kind)

    def number(text: str) -> Any:
        value = own.kind(text)
        if wanted := own.wanted(value):
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text}")
        return value

    return number
