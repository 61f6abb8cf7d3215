from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.subspace.layers import Layers, Run
from pipeline.training.parameters import Span


def layers_of(owners: list[int]) -> Layers:
    """Spans of three entries, each owned by the layer that stands in the list."""
    spans = [Span(str(index), 3 * index, 3 * index + 3) for index in range(len(owners))]
    groups = [[s for s, own in zip(spans, owners, strict=True) if own == i] for i in set(owners)]
    return Layers(groups)


def test_neighbours_of_one_layer_are_one_run() -> None:
    layers = layers_of([0, 0, 1, 0])
    assert layers.count == 2
    assert layers.within(0, 12) == [Run(0, 6, 0), Run(6, 9, 1), Run(9, 12, 0)]
    assert layers.within(5, 7) == [Run(5, 6, 0), Run(6, 7, 1)]
    assert layers.within(6, 9) == [Run(6, 9, 1)]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=8), st.data())
def test_runs_tile_any_stretch(owners: list[int], data: st.DataObject) -> None:
    names = sorted(set(owners))
    owners = [names.index(owner) for owner in owners]
    start = data.draw(st.integers(0, 3 * len(owners) - 1))
    stop = data.draw(st.integers(start + 1, 3 * len(owners)))
    runs = layers_of(owners).within(start, stop)
    entries = [(at, run.layer) for run in runs for at in range(run.start, run.stop)]
    assert entries == [(at, owners[at // 3]) for at in range(start, stop)]
