"""fairseq's dict.txt: the vocabulary in the order of its ids, one ``symbol count`` a line.

The first four ids are not in the file, nor is ``<mask>``, which the masked-LM task appends last. A
tokenizer whose ids are in that order needs no permutation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.common.artifacts import atomic_file
from pipeline.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FIRST = ("<s>", "<pad>", "</s>", "<unk>")
BOS, PAD, EOS, UNK = range(len(FIRST))
MASK = "<mask>"
_OVERWRITE = " #fairseq:overwrite"


def vocabulary(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """A tokenizer's symbols in the order of ids."""
    symbols = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return list(symbols)


def write_dictionary(symbols: Sequence[str], path: Path) -> None:
    """Write the symbols, all of the vocabulary in the order of ids, as a dict.txt.

    fairseq uses the counts to sort and to cut a vocabulary, never to train on one: all are 1.

    Raises:
        UserError: the order of ids is not fairseq's, or a symbol holds white space.
    """
    if tuple(symbols[: len(FIRST)]) != FIRST or symbols[-1] != MASK:
        raise UserError(
            f"the vocabulary begins with {' '.join(symbols[:4])} and ends with {symbols[-1]}, but "
            f"fairseq's begins with {' '.join(FIRST)} and ends with {MASK}"
        )
    text = symbols[len(FIRST) : -1]
    for symbol in text:
        if not symbol or symbol.split() != [symbol]:
            raise UserError(f"dict.txt cannot hold the symbol {symbol!r}: it has white space")
    with atomic_file(path) as temporary:
        temporary.write_text("".join(f"{symbol} 1\n" for symbol in text), encoding="utf-8")


def read_dictionary(path: Path) -> list[str]:
    """All symbols of the vocabulary in the order of ids, ``<mask>`` among them.

    Raises:
        UserError: the file is missing or is no dict.txt.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: give fairseq's dict.txt of the checkpoint"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: give fairseq's dict.txt") from error
    symbols = list(FIRST)
    known = set(FIRST)
    for number, line in enumerate(lines, 1):
        entry = line.rstrip()
        symbol, _, count = entry.removesuffix(_OVERWRITE).rpartition(" ")
        if not symbol or not count.lstrip("-").isdecimal():
            raise UserError(f"{path}:{number} is {line!r}, but must be a symbol and its count")
        if symbol in known and not entry.endswith(_OVERWRITE):
            raise UserError(f"{path}:{number} has the symbol {symbol!r} a second time")
        symbols.append(symbol)
        known.add(symbol)
    return symbols if MASK in known else [*symbols, MASK]
