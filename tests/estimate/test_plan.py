from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from pipeline.estimate.costs import efficiently, estimate
from pipeline.estimate.plan import stage_flop, stage_needs
from pipeline.study.reading import load_params

PRESETS = sorted((Path(__file__).parents[2] / "presets").glob("*.yaml"))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_every_stage_is_planned_after_what_it_needs_with_its_share_of_the_cost(
    preset: Path,
) -> None:
    params = load_params(preset)
    needs, flop, made = stage_needs(params), stage_flop(params), estimate(params)
    done: set[str] = set()
    for name, needed in needs.items():
        assert done.issuperset(needed), name
        done.add(name)
    assert len(needs) == made.stages and set(flop) <= set(needs)
    assert sum(flop.values()) == pytest.approx(sum(made.flop.values()))
    assert len(set(TopologicalSorter(needs).static_order())) == len(needs)


def test_cells_wait_for_the_neighbour_that_they_start_from() -> None:
    params = load_params(next(path for path in PRESETS if path.stem == "paper"))
    alone, chained = stage_needs(params), stage_needs(efficiently(params))
    searches = [name for name in alone if name.startswith("search@")]
    assert not any(one.startswith("search@") for name in searches for one in alone[name])
    waiting = [n for n in searches if any(one.startswith("search@") for one in chained[n])]
    # All but one checkpoint's have a neighbour.
    assert len(waiting) == len(searches) * 20 // 21
