from __future__ import annotations

import json
import math

import pytest

from pipeline.dimension.record import Ending, Probe, Record
from pipeline.errors import UserError

PROBE = Probe(100, 0, 1e-2)
FULL = Record(PROBE, (0.6, 0.8, 0.7), Ending.HOPELESS, 2, 0.9, "abc", 10, 2.5, "id")


@pytest.mark.parametrize("record", [FULL, Record(PROBE, (), Ending.DIVERGED)])
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    again = Record.of(json.loads(json.dumps(record.row())), "probes.jsonl")
    assert again == record and again.ended is record.ended
    assert record.row()["d"] == 100


@pytest.mark.parametrize("wrong", [{"colour": 1}, {"ended": "bored"}, {"d": "ten"}])
def test_a_damaged_record_is_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match="probes"):
        Record.of({**FULL.row(), **wrong}, "probes.jsonl")


def test_what_broke_down_before_the_target_is_worse_than_anything() -> None:
    broken = Record(PROBE, (0.7, 0.8), Ending.DIVERGED)
    assert broken.score(0.9) == -math.inf and broken.failed(0.9)
    assert broken.score(0.75) == broken.metric == 0.8 and broken.reached(0.75)
    assert not Record(PROBE, (), Ending.DIVERGED).reached(0.0)


def test_only_a_stop_rule_leaves_a_training_that_is_not_whole() -> None:
    whole = {ending for ending in Ending if Record(PROBE, (0.5,), ending).whole}
    assert whole == {Ending.COMPLETE, Ending.DIVERGED}


def test_every_ending_has_words() -> None:
    assert all(ending.reason for ending in Ending) and str(Ending.HOPELESS) == "hopeless"
