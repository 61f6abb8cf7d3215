from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.report.table1 import published
from pipeline.study.reading import load_params
from pipeline.study.zoo import ZooModel
from stages.collect import sweeps

PRESETS = Path(__file__).parents[2] / "presets"


def test_published_numbers_stand_beside_the_same_model_and_task_only() -> None:
    table = load_params(PRESETS / "table1.yaml")
    found = {
        (cell.cell.model, cell.cell.task, cell.method): cell.published for cell in sweeps(table)
    }
    # method §2, in the order of its list.
    assert found == {
        (model, task, method): number
        for (model, task), numbers in {
            ("bert_base", "mrpc"): (1608, 1861), ("bert_base", "qqp"): (8030, 9295),
            ("bert_large", "mrpc"): (1037, 2493), ("bert_large", "qqp"): (1200, 1389),
            ("roberta_base", "mrpc"): (896, 1000), ("roberta_base", "qqp"): (896, 1389),
            ("roberta_large", "mrpc"): (207, 322), ("roberta_large", "qqp"): (774, 774),
        }.items()
        for method, number in zip(("said", "did"), numbers, strict=True)
    }  # fmt: skip


@pytest.mark.parametrize(
    "place", [ZooModel("roberta-base", "folder"), ZooModel("FacebookAI/xlm-roberta-base")]
)
def test_another_model_has_no_published_number(place: ZooModel) -> None:
    table = load_params(PRESETS / "table1.yaml")
    zoo = replace(table.zoo, models=dict.fromkeys(table.zoo.models, place))
    assert {cell.published for cell in sweeps(replace(table, zoo=zoo))} == {None}


def test_another_task_has_no_published_number() -> None:
    table = load_params(PRESETS / "table1.yaml")
    laptop = load_params(PRESETS / "laptop.yaml").tasks["paraphrase"]
    other = replace(table, tasks=dict.fromkeys(table.tasks, laptop))
    assert {cell.published for cell in sweeps(other)} == {None}
    assert published("google-bert/bert-base-cased", "mrpc", "did") == 1861
    assert published("google-bert/bert-base-cased", "sst2", "did") is None
