"""From rows of any source to the one schema on disk, and what is refused on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet
import pytest

from pipeline.common.config import parse
from pipeline.errors import UserError
from pipeline.tasks import encoding
from pipeline.tasks.config import TaskDataConfig
from pipeline.tasks.kinds import Classification
from pipeline.tasks.prepare import prepare_task
from pipeline.text import synthetic
from pipeline.tokens.tokenizer import open_tokenizer

PAIRS = [
    {"a": "The cat sat.", "b": "A cat was sitting.", "label": "1"},
    {"a": "Rain fell all day.", "b": "It was dry.", "label": "0"},
    {"a": "He left </s> early.", "b": "He went away early.", "label": "1"},
]


def _jsonl(path: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return {"files": {"paths": [str(path)]}}


def _config(folder: Path, rows: list[dict[str, Any]] = PAIRS, **changes: Any) -> TaskDataConfig:
    source = _jsonl(folder / "rows.jsonl", rows)
    value = {
        "train": [source],
        "eval": [source],
        "columns": {"text_a": "a", "text_b": "b"},
        "labels": ["no", "yes"],
        **changes,
    }
    return parse(TaskDataConfig, value, "task")


def _table(folder: Path, split: str = "train") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(folder / f"{split}.parquet").to_pylist()
    return rows


def test_rows_become_framed_token_ids(tokenizer_dir: Path, tmp_path: Path) -> None:
    prepare_task("pairs", _config(tmp_path), tokenizer_dir, 0, tmp_path / "out")
    tokenizer = open_tokenizer(tokenizer_dir)
    for row, source in zip(_table(tmp_path / "out"), PAIRS, strict=True):
        texts = [f" {source[key]}" for key in ("a", "b")]
        expected = tokenizer(*texts, split_special_tokens=True)["input_ids"]
        assert (row["text_a"], row["text_b"]) == (source["a"], source["b"])
        assert row["input_ids"] == expected
        assert row["label"] == int(source["label"])
        # <s> a </s></s> b </s>, although one of the texts holds the characters "</s>".
        assert row["input_ids"].count(2) == 3


def test_manifest_describes_the_splits(tokenizer_dir: Path, tmp_path: Path) -> None:
    other = _jsonl(tmp_path / "eval.jsonl", [PAIRS[0], {"a": "x", "b": "y", "label": "0"}] * 2)
    full = prepare_task("t", _config(tmp_path), tokenizer_dir, 0, tmp_path / "full")
    lengths = sorted(len(row["input_ids"]) for row in _table(tmp_path / "full"))
    assert full["train"]["truncated"] == 0 and full["train"]["tokens"] == sum(lengths)

    config = _config(tmp_path, eval=[other], max_length=lengths[1])
    made = prepare_task("pairs", config, tokenizer_dir, 0, tmp_path / "out")
    assert (made["task"], made["kind"], made["metric"]) == ("pairs", "classification", "accuracy")
    assert made["train"]["rows"] == 3 and made["train"]["labels"] == {"no": 1, "yes": 2}
    assert made["train"]["truncated"] == 1  # a row of just max_length tokens is whole
    said = f"1 of 3 training rows are cut, being longer than max_length ({lengths[1]} tokens)"
    assert said in made["notes"] and not any("are cut" in note for note in full["notes"])
    assert made["eval"]["labels"] == {"no": 2, "yes": 2} and made["chance"] == 0.5
    assert made["overlap"] == 1  # the distinct inputs of eval that train holds too
    assert max(len(row["input_ids"]) for row in _table(tmp_path / "out")) == lengths[1]


def test_truncation_cuts_the_longer_text_and_keeps_the_frame(
    tokenizer_dir: Path, tmp_path: Path
) -> None:
    rows = [{"a": "word " * 50, "b": "end", "label": x} for x in ("0", "1")]
    whole = prepare_task("t", _config(tmp_path, rows), tokenizer_dir, 0, tmp_path / "whole")
    prepare_task("t", _config(tmp_path, rows, max_length=24), tokenizer_dir, 0, tmp_path / "cut")
    full = _table(tmp_path / "whole")[0]["input_ids"]
    cut = _table(tmp_path / "cut")[0]["input_ids"]
    tail = full[full.index(2) :]  # </s></s> end </s>
    assert whole["train"]["truncated"] == 0
    assert (
        len(cut) == 24
        and cut[-len(tail) :] == tail
        and cut[: 24 - len(tail)] == full[: 24 - len(tail)]
    )


def test_the_size_of_encoding_batches_does_not_show(
    tokenizer_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(tmp_path, max_length=16)
    first = prepare_task("t", config, tokenizer_dir, 0, tmp_path / "one")
    monkeypatch.setattr(encoding, "_BATCH_ROWS", 1)
    assert prepare_task("t", config, tokenizer_dir, 0, tmp_path / "two") == first


def test_single_texts(tokenizer_dir: Path, tmp_path: Path) -> None:
    config = _config(tmp_path, columns={"text_a": "a", "text_b": None})
    prepare_task("t", config, tokenizer_dir, 0, tmp_path / "out")
    row = _table(tmp_path / "out")[0]
    assert row["text_b"] is None and row["input_ids"].count(2) == 1


def test_rounds_are_joined_and_tagged(tokenizer_dir: Path, tmp_path: Path) -> None:
    second = _jsonl(tmp_path / "r2.jsonl", [{**row, "round": "R2"} for row in PAIRS[1:]])
    first_rows = [{**PAIRS[0], "round": None}]
    first = _jsonl(tmp_path / "r1.jsonl", first_rows)
    columns = {"text_a": "a", "text_b": "b", "tag": "round"}
    whole = _jsonl(tmp_path / "eval.jsonl", [{**row, "round": 3} for row in PAIRS])
    config = _config(
        tmp_path, train=[{**first, "tag": "R1"}, second], eval=[whole], columns=columns
    )
    made = prepare_task("anli", config, tokenizer_dir, 0, tmp_path / "out")
    assert made["train"]["tags"] == {"R1": 1, "R2": 2}
    assert [row["tag"] for row in _table(tmp_path / "out")] == ["R1", "R2", "R2"]
    assert made["eval"]["tags"] == {"3": 3}
    assert [row["text_a"] for row in _table(tmp_path / "out")] == [row["a"] for row in PAIRS]


def test_a_sample_depends_on_seed_task_and_split_only(tokenizer_dir: Path, tmp_path: Path) -> None:
    rows = [{"a": f"text {i}", "b": "b", "label": str(i % 2)} for i in range(100)]
    config = _config(tmp_path, rows, train_rows=40, eval_rows=40)

    def chosen(name: str, seed: int, split: str = "train") -> list[str]:
        prepare_task(name, config, tokenizer_dir, seed, tmp_path / "out")
        return [row["text_a"] for row in _table(tmp_path / "out", split)]

    first = chosen("t", 0)
    assert len(set(first)) == 40 and first == sorted(first, key=lambda text: int(text[5:]))
    assert chosen("t", 0) == first
    assert first not in (chosen("t", 1), chosen("u", 0), chosen("t", 0, "eval"))
    assert len(_table(tmp_path / "out")) == 40


def test_a_cap_above_the_rows_keeps_them_all(tokenizer_dir: Path, tmp_path: Path) -> None:
    config = _config(tmp_path, train_rows=3, eval_rows=1000)
    made = prepare_task("t", config, tokenizer_dir, 0, tmp_path / "out")
    assert (made["train"]["rows"], made["eval"]["rows"]) == (3, 3)


def test_raw_labels_and_replacements(tokenizer_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "yelp.csv"
    path.write_text('"1","Bad.\\nNever \\""again\\""."\n"2","Good."\n', encoding="utf-8")
    source = {"files": {"paths": [str(path)], "header": ["label", "text"]}}
    config = _config(
        tmp_path,
        train=[source],
        eval=[source],
        columns={"text_a": "text", "text_b": None},
        raw_labels={"1": "no", "2": "yes"},
        replace={"\\n": "\n", '\\"': '"'},
    )
    prepare_task("yelp", config, tokenizer_dir, 0, tmp_path / "out")
    assert [(row["text_a"], row["label"]) for row in _table(tmp_path / "out")] == [
        ('Bad.\nNever "again".', 0),
        ("Good.", 1),
    ]


@pytest.mark.parametrize(
    ("labels", "raw_labels", "expected"),
    [
        (["no", "yes"], None, {"no": 0, "yes": 1, "0": 0, "1": 1}),
        (["1", "2"], None, {"0": 0, "1": 0, "2": 1}),
        (["no", "yes"], {"1": "no", "2": "yes"}, {"1": 0, "2": 1, "no": 0, "yes": 1}),
        (["e", "c"], {"a": "c", "b": "c"}, {"a": 1, "b": 1, "e": 0, "c": 1}),
        (["e", "c"], {"e": "c", "c": "e"}, {"e": 1, "c": 0}),
    ],
)
def test_label_ids(labels: list[str], raw_labels: Any, expected: dict[str, int]) -> None:
    assert Classification(tuple(labels), "accuracy").label_ids(raw_labels) == expected


def test_hub_rows_with_integer_labels(
    tokenizer_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = {
        "train": [{**row, "label": int(str(row["label"]))} for row in PAIRS],
        "test": [{**PAIRS[0], "label": -1}],
    }
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, split, **__: splits[split])
    hub = {"id": "nyu-mll/glue", "name": "mrpc"}
    train, hidden = ({"hub": {**hub, "split": split}} for split in ("train", "test"))
    config = _config(tmp_path, train=[train], eval=[train])
    made = prepare_task("mrpc", config, tokenizer_dir, 0, tmp_path / "out")
    assert made["train"]["labels"] == {"no": 1, "yes": 2}
    with pytest.raises(UserError) as caught:
        leaking = _config(tmp_path, train=[train], eval=[hidden])
        prepare_task("mrpc", leaking, tokenizer_dir, 0, tmp_path / "out")
    assert str(caught.value).startswith(
        "task mrpc, eval, hub nyu-mll/glue mrpc test, row 1: label '-1' is outside the map (a "
        "hidden test label: choose another split); it knows "
    )


@pytest.mark.parametrize(
    ("changes", "rows", "message"),
    [
        (
            {"columns": {"text_a": "x", "text_b": "b"}},
            PAIRS,
            r"row 1: no column 'x'; there are 'a', 'b', 'label'",
        ),
        ({"columns": {"text_a": "a", "text_b": "b", "label": "y"}}, PAIRS, "no column 'y'"),
        (
            {},
            [*PAIRS, {"a": "a", "b": "b", "label": "maybe"}],
            "row 4: label 'maybe' is outside the map; it knows",
        ),
        (
            {"raw_labels": {"2": "no", "1": "yes"}},
            PAIRS,
            "row 2: label '0' is outside the map; it knows '2', '1'",
        ),
        ({}, [{"a": None, "b": "b", "label": "1"}], "column 'a' holds None, not text"),
        ({}, [], "the train split is empty"),
        ({}, PAIRS[:1], "every row of the train split has the label 'yes'"),
    ],
    ids=["column", "label column", "label", "raw label", "no text", "empty", "one class"],
)
def test_bad_rows_are_one_sentence_and_leave_nothing(
    tokenizer_dir: Path, tmp_path: Path, changes: Any, rows: Any, message: str
) -> None:
    config = _config(tmp_path, rows, **changes)
    with pytest.raises(UserError, match=message):
        prepare_task("t", config, tokenizer_dir, 0, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["yes"]}, "must be at least two, all different"),
        ({"labels": ["yes", "yes"]}, "must be at least two, all different"),
        ({"raw_labels": {"a": "maybe"}}, r"raw_labels map to \['maybe'\]"),
        ({"raw_labels": {"-1": "no"}}, "which marks rows without a known label"),
        (
            {"labels": ["a", "b", "c"], "metric": "f1"},
            "metric is 'f1', but must be one of accuracy, matthews",
        ),
        ({"kind": "regression"}, "regression has none: its targets are numbers"),
        ({"labels": [], "metric": "pearson"}, "labels are"),
        ({"train_rows": 0}, "train_rows is 0, but must be at least 1"),
        ({"max_length": 7}, "max_length is 7, but must be at least 8"),
    ],
)
def test_refused_settings(tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        _config(tmp_path, **changes)


@pytest.mark.parametrize("kind", [kind for kind in synthetic.KINDS if kind != "acceptability"])
def test_every_embedded_task_is_balanced_and_keeps_its_splits_apart(
    tokenizer_dir: Path, tmp_path: Path, kind: synthetic.Kind
) -> None:
    labels = list(synthetic.label_names(kind))
    single = next(iter(synthetic.examples(kind, "train", 1, 0)))["text_b"] is None
    config = _config(
        tmp_path,
        train=[{"synthetic": {"kind": kind, "split": "train", "rows": 120}}],
        eval=[{"synthetic": {"kind": kind, "split": "eval", "rows": 60}}],
        columns={"text_a": "text_a", "text_b": None if single else "text_b"},
        labels=labels,
    )
    made = prepare_task(kind, config, tokenizer_dir, 0, tmp_path / "out")
    assert made["overlap"] == 0
    assert made["train"]["labels"] == dict.fromkeys(labels, 120 // len(labels))
    assert made["chance"] == pytest.approx(1 / len(labels))


def test_a_split_without_a_source_is_refused(tmp_path: Path) -> None:
    """An estimate divided by its rows."""
    with pytest.raises(UserError, match="train must name at least one source of rows"):
        _config(tmp_path, train=[])
