"""What is known of tasks' rows: by the hub's table, by the parameters, by what lies prepared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.estimate.rows import GUESSED_ROWS, SplitSize, task_size
from pipeline.study.reading import load_params
from pipeline.tasks.config import SplitConfig, TaskDataConfig

PRESETS = Path(__file__).parents[2] / "presets"


def data(preset: str, task: str) -> TaskDataConfig:
    return load_params(PRESETS / f"{preset}.yaml").tasks[task].data


def manifest(config: TaskDataConfig, train: int, evaluation: int, length: int) -> dict[str, object]:
    rows = {"train": train, "eval": evaluation}
    splits = {name: {"rows": count, "tokens": count * length} for name, count in rows.items()}
    return {"max_length": config.max_length, "labels": [*config.labels], **splits}


@pytest.mark.parametrize("preset", ["paper", "multiberts"])
def test_all_lengths_of_the_papers_tasks_are_known(preset: str) -> None:
    for task in load_params(PRESETS / f"{preset}.yaml").tasks.values():
        for split in task_size(task.data).splits:
            assert split.rows_known and split.length_known and split.length < 160


def test_sources_that_are_joined_count_by_their_rows() -> None:
    train = task_size(data("paper", "anli")).train
    assert train.rows == 16_946 + 45_460 + 100_459
    assert train.tokens == pytest.approx(16_946 * 92.6 + 45_460 * 93.0 + 100_459 * 82.0)


def test_a_cap_cuts_rows_and_max_length_cuts_lengths() -> None:
    config = replace(data("paper", "yelp"), max_length=128, train_rows=1_000)
    assert task_size(config).train == SplitSize(1_000, 128, True, True)


def test_what_nobody_knows_is_a_guess() -> None:
    config = replace(data("files", "qqp"), train_rows=None)
    size = task_size(config)
    assert size.train == SplitSize(GUESSED_ROWS["train"], 24, False, False)
    assert size.eval == SplitSize(1000, 24, True, False)


def test_of_one_file_for_everything_lengths_are_known_and_rows_are_not() -> None:
    config = replace(data("paper", "anli"), eval=(), split=SplitConfig(eval=0.1))
    size = task_size(config)
    assert size.eval == replace(size.train, rows=GUESSED_ROWS["eval"])
    assert size.train.length_known and not size.train.rows_known and 80 < size.train.length < 95


def test_a_prepared_task_is_counted_rather_than_guessed() -> None:
    config = data("files", "qqp")
    assert task_size(config, manifest(config, 900, 400, 41)).train == SplitSize(900, 41, True, True)


def test_what_lies_prepared_of_another_task_does_not_count() -> None:
    config = data("laptop", "duplicate")
    train, held_out = (getattr(config, split)[0].synthetic.rows for split in ("train", "eval"))
    assert task_size(config, manifest(config, train, held_out, 20)).train.length == 20
    longer = replace(config, max_length=100)
    for other in (manifest(config, train + 1, held_out, 20), manifest(longer, train, held_out, 20)):
        assert task_size(config, other) == task_size(config)
