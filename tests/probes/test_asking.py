"""What a cell's search is asked counts the trainings as they will be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.status import Status
from pipeline.dimension.grid import GridConfig
from pipeline.dimension.levers import EfficientConfig
from pipeline.finetuning.result import Cost, FullResult
from pipeline.probes.asking import cell_question
from pipeline.probes.config import SearchConfig
from pipeline.subspace.config import SubspaceConfig
from tests.worlds import FINETUNE, open_cell

FULL = FullResult(
    "s0", "polarity_short", 0, "accuracy", 0.5, 0.02, Status.OK, "", 1000, Cost(1, 1, 1.0), {},
    learning_rate=0.01, full_metric=0.9, full_error=0.01,
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "evaluations", "updates"),
    [
        (EfficientConfig(), 3, 90),
        (EfficientConfig(evaluations=9), 9, 90),
        # Four updates have no room for three equal epochs, nor for nine evaluations.
        (EfficientConfig(max_steps=4), 2, 4),
        (EfficientConfig(max_steps=4, evaluations=9), 4, 4),
    ],
)
def test_evaluations_and_cost_are_those_of_the_recipe(
    world: Path, asked: EfficientConfig, evaluations: int, updates: int
) -> None:
    """The forecast would take the last evaluation for one in the middle of the training."""
    question = cell_question(
        open_cell(world, "polarity_short"), search=SearchConfig(GridConfig(8, 64), efficient=asked),
        subspace=SubspaceConfig(), finetune=FINETUNE, full=FULL, neighbour=None,
    )  # fmt: skip
    assert question.evaluations == evaluations
    assert question.cost == pytest.approx(updates / 90)
