from __future__ import annotations

import threading
import time

import pytest

from pipeline.pretraining.ahead import Ahead


def test_results_come_in_order_and_each_is_made_once() -> None:
    made: list[int] = []
    with Ahead(lambda index: made.append(index) or index * index, 3, 8) as ahead:
        assert [ahead(index) for index in range(3, 8)] == [9, 16, 25, 36, 49]
    assert made == [3, 4, 5, 6, 7]


def test_the_next_is_made_while_this_one_is_used() -> None:
    second = threading.Event()
    with Ahead(lambda index: index == 1 and second.set(), 0, 4) as ahead:
        ahead(0)
        assert second.wait(timeout=5)


def test_leaving_early_makes_no_more() -> None:
    made: list[int] = []
    with Ahead(lambda index: made.append(index), 0, 1000) as ahead:
        ahead(0)
    count = len(made)
    time.sleep(0.05)
    assert len(made) == count <= 4


def test_an_error_is_raised_where_its_result_is_due() -> None:
    def make(index: int) -> int:
        if index == 1:
            raise ValueError("broken")
        return index

    with Ahead(make, 0, 3) as ahead:
        assert ahead(0) == 0
        with pytest.raises(ValueError, match="broken"):
            ahead(1)


def test_order_is_demanded() -> None:
    with Ahead(lambda index: index, 0, 3) as ahead, pytest.raises(AssertionError):
        ahead(1)
