from __future__ import annotations

from itertools import product

from pipeline.dimension.votes import decided, most


def test_half_of_the_seeds_is_not_enough() -> None:
    assert most(2, 3) and not most(1, 2) and not most(0, 1)


def test_seeds_have_decided_where_no_rest_of_them_changes_the_answer() -> None:
    for seeds in range(1, 6):
        for tried in range(seeds + 1):
            for reached in range(tried + 1):
                rests = product((0, 1), repeat=seeds - tried)
                answers = {most(reached + sum(rest), seeds) for rest in rests}
                assert decided(reached, tried, seeds) == (len(answers) == 1)
