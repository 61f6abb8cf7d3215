"""An arithmetic code of symbols whose counts both sides know, in whole numbers throughout.

Each symbol narrows an interval in proportion to how often it is still to come: a code of n symbols
with counts c has about log₂(n! / Πc!) bits, two more at most, and no rounding differs anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_WIDTH = 32
_WHOLE = 1 << _WIDTH
_HALF, _QUARTER = _WHOLE // 2, _WHOLE // 4
# Counts must fit into a quarter of the interval, or a symbol could be given no part of it.
MOST_SYMBOLS = _QUARTER - 1


class _Interval:
    """The part of the whole interval that the symbols so far leave, in a window of fixed width."""

    def __init__(self, counts: Sequence[int]) -> None:
        self.low, self.high = 0, _WHOLE - 1
        self.left = list(counts)
        self.total = sum(counts)

    def scaled(self, value: int) -> int:
        """Where a value of the window lies on the scale of the counts."""
        return ((value - self.low + 1) * self.total - 1) // (self.high - self.low + 1)

    def narrow(self, symbol: int) -> None:
        """Take a symbol's part, and one from its count."""
        span, start = self.high - self.low + 1, sum(self.left[:symbol])
        self.high = self.low + span * (start + self.left[symbol]) // self.total - 1
        self.low = self.low + span * start // self.total
        self.left[symbol] -= 1
        self.total -= 1

    def widen(self) -> Iterator[int]:
        """Widen the window while it can be, yielding what was cut off: 0, half or a quarter."""
        while True:
            if self.high < _HALF:
                cut = 0
            elif self.low >= _HALF:
                cut = _HALF
            elif self.low >= _QUARTER and self.high < _HALF + _QUARTER:
                cut = _QUARTER
            else:
                return
            self.low, self.high = 2 * (self.low - cut), 2 * (self.high - cut) + 1
            yield cut


def encode(symbols: Sequence[int], counts: Sequence[int]) -> list[int]:
    """The bits (0 or 1) of symbols, each from 0 to len(counts) − 1, that occur ``counts`` times."""
    interval, bits, pending = _Interval(counts), list[int](), 0

    def emit(bit: int) -> None:
        nonlocal pending
        bits.extend([bit, *[1 - bit] * pending])
        pending = 0

    for symbol in symbols:
        interval.narrow(symbol)
        for cut in interval.widen():
            if cut == _QUARTER:
                pending += 1
            else:
                emit(cut // _HALF)
    pending += 1
    emit(int(interval.low >= _QUARTER))
    return bits


def decode(bits: Sequence[int], counts: Sequence[int]) -> list[int]:
    """The symbols of `encode`; bits that are missing count as 0, further ones are not looked at.

    So a code is checked by encoding what came out again.
    """
    interval, symbols = _Interval(counts), list[int]()
    rest = iter(bits)
    value = 0
    for _ in range(_WIDTH):
        value = 2 * value + next(rest, 0)
    for _ in range(interval.total):
        place, symbol = interval.scaled(value), 0
        while place >= interval.left[symbol]:
            place -= interval.left[symbol]
            symbol += 1
        symbols.append(symbol)
        interval.narrow(symbol)
        for cut in interval.widen():
            value = 2 * (value - cut) + next(rest, 0)
    return symbols
