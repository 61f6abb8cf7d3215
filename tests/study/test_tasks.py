from __future__ import annotations

import pytest

from pipeline.errors import UserError
from pipeline.study.tasks import completed

CONTENT = {
    "seed": 0,
    "data": {"max_length": 96, "columns": {"text_a": "a", "text_b": "b"}},
    "finetune": {"epochs": 8, "batch": 32},
    "tasks": {
        "plain": {"data": {"labels": ["no", "yes"]}},
        "own": {"data": {"columns": {"text_a": "x"}}, "finetune": {"epochs": 3}},
    },
}


def test_a_task_gets_the_defaults_that_it_does_not_replace() -> None:
    tasks = completed(CONTENT)["tasks"]
    assert tasks["plain"] == {
        "data": {
            "max_length": 96,
            "columns": {"text_a": "a", "text_b": "b"},
            "labels": ["no", "yes"],
        },
        "finetune": {"epochs": 8, "batch": 32},
    }
    assert tasks["own"]["finetune"] == {"epochs": 3, "batch": 32}


def test_a_key_is_replaced_as_a_whole() -> None:
    assert completed(CONTENT)["tasks"]["own"]["data"]["columns"] == {"text_a": "x"}


def test_the_sections_of_defaults_are_used_up_and_nothing_else_is_touched() -> None:
    assert completed(CONTENT).keys() == {"seed", "tasks"}
    assert CONTENT["tasks"]["plain"] == {"data": {"labels": ["no", "yes"]}}  # type: ignore[index]


def test_without_defaults_tasks_are_what_they_say() -> None:
    assert completed({"tasks": {"one": {"data": {"f": 1}}}})["tasks"] == {
        "one": {"data": {"f": 1}, "finetune": {}}
    }


@pytest.mark.parametrize("tasks", [None, 3, {"one": None}, {"one": {"data": 3}}])
def test_what_is_no_mapping_is_left_to_the_parser(tasks: object) -> None:
    completed({"tasks": tasks})


@pytest.mark.parametrize(
    ("section", "value", "sentence"),
    [
        ("finetune", {"epoch": 3}, "finetune has the unknown key 'epoch': did you mean 'epochs'?"),
        ("data", {"columsn": {}}, "data has the unknown key 'columsn': did you mean 'columns'?"),
        ("data", [1], "data must be a mapping"),
    ],
)
def test_a_mistake_in_a_default_names_the_default(
    section: str, value: object, sentence: str
) -> None:
    with pytest.raises(UserError) as caught:
        completed({section: value, "tasks": {}})
    assert sentence in str(caught.value)
