from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipeline.dimension.stopping import Stop, never, suffices

curves = st.lists(st.sampled_from([0.5, 0.6, 0.7, 0.8]), min_size=1, max_size=8)
rules: list[Stop] = [never, lambda c: c[-1] >= 0.7, lambda c: len(c) >= 3 and max(c) < 0.6]


def trained(whole: Sequence[float], stop: Stop) -> dict:
    """What training under a rule leaves when the epochs would go as in ``whole``."""
    for length in range(1, len(whole) + 1):
        if stop(whole[:length]):
            return {"curve": list(whole[:length]), "complete": length == len(whole)}
    return {"curve": list(whole), "complete": True}


@given(curves, st.sampled_from(rules), st.sampled_from(rules))
def test_a_record_suffices_exactly_where_training_again_would_leave_it(whole, old, new):
    record = trained(whole, old)
    assert suffices(record, new) == (record == trained(whole, new))


def test_a_training_that_broke_down_in_its_first_epoch_is_a_record_too():
    assert suffices({"curve": [], "complete": True}, rules[1])
