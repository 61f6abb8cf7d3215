"""Batches made ahead of need: a thread masks the coming updates' while this one is computed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """Calls ``make(first)``, ``make(first + 1)`` … in one thread, a few before they are due.

    What comes out is what ``make`` would have given: it must depend on nothing but the index. Use
    it as a context: leaving ends the thread. An error in ``make`` is raised where its result is
    asked for.
    """

    def __init__(self, make: Callable[[int], Made], first: int, stop: int, depth: int = 2) -> None:
        self._make = make
        self._due = first
        self._next = first
        self._stop = stop
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._coming: deque[Future[Made]] = deque()
        for _ in range(depth):
            self._order()

    def __call__(self, index: int) -> Made:
        """The result for ``index``, which goes up by one from call to call."""
        assert index == self._due, "batches are made in order"
        self._due += 1
        self._order()
        return self._coming.popleft().result()

    def _order(self) -> None:
        if self._next < self._stop:
            self._coming.append(self._pool.submit(self._make, self._next))
            self._next += 1

    def __enter__(self) -> Ahead[Made]:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
