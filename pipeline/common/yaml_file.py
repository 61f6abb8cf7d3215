"""YAML files, read so that neither their aliases nor their objects can do harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.common.aliases import check_aliases
from pipeline.common.artifacts import Json
from pipeline.common.quoted import quoted
from pipeline.errors import UserError


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
