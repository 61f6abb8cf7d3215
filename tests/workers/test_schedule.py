from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.workers.schedule import Schedule


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, set[int]]:
    size = draw(st.integers(1, 12))
    return {
        stage: draw(st.sets(st.integers(0, stage - 1)) if stage else st.just(set()))
        for stage in range(size)
    }


@given(graphs(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_each_stage_runs_once_and_after_all_that_it_needs(needs, jobs, random) -> None:
    schedule, running, done = Schedule(needs), [], []
    while len(done) < len(needs):
        while len(running) < jobs and (stage := schedule.take()) is not None:
            assert needs[stage] <= set(done)
            running.append(stage)
        assert running, "stages are left, but none is ready"
        ended = running.pop(random.randrange(len(running)))
        schedule.finish(ended)
        done.append(ended)
    assert sorted(done) == sorted(needs)
    assert schedule.take() is None


def test_the_longest_chain_goes_first_and_else_the_graphs_order() -> None:
    needs = {"a": [], "b": [], "c": ["b"], "d": [], "e": ["c", "d"]}
    schedule = Schedule(needs)
    assert [schedule.take() for _ in range(4)] == ["b", "d", "a", None]
    schedule.finish("b")
    assert schedule.take() == "c"


def test_a_stage_without_room_is_waited_for_and_not_overtaken() -> None:
    schedule = Schedule({"large": [], "small": [], "after": ["large"]})
    assert schedule.take(lambda stage: stage == "small") is None
    assert [schedule.take() for _ in range(3)] == ["large", "small", None]
