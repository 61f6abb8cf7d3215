"""What users' tables look like: leakage, one file for all, left-out rows, labels, sorted files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from pipeline.common.config import parse
from pipeline.errors import UserError
from pipeline.tasks import Split
from pipeline.tasks.config import TaskDataConfig
from pipeline.tasks.kinds import Classification, Regression, TaskKind
from pipeline.tasks.notes import notes_of
from pipeline.tasks.prepare import prepare_task
from pipeline.tasks.rows import Rows, read_splits, shared_rows


def _source(path: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"files": {"paths": [str(path)]}}


def _rows(texts: str, label: Any = None) -> list[dict[str, Any]]:
    """A row a letter; labels 0 and 1 in turn unless given."""
    return [
        {"text": letter, "label": str(place % 2) if label is None else label}
        for place, letter in enumerate(texts)
    ]


def _config(**changes: Any) -> TaskDataConfig:
    value = {"columns": {"text_a": "text", "text_b": None}, "labels": ["no", "yes"], **changes}
    return parse(TaskDataConfig, value, "task")


def _read(**changes: Any) -> dict[str, Rows]:
    return read_splits("t", _config(**changes), 0)


def _notes(config: TaskDataConfig, splits: dict[str, Rows]) -> list[str]:
    kind = config.task_kind()
    targets = {name: np.asarray(rows.targets, kind.dtype) for name, rows in splits.items()}
    return notes_of(kind, splits, targets)


# Leakage.


def _leaking(folder: Path) -> dict[str, Any]:
    """Three of six evaluation rows, two of them alike, are among ten training rows."""
    return {
        "train": [_source(folder / "train.jsonl", _rows("abcdefghij"))],
        "eval": [_source(folder / "eval.jsonl", _rows("aaxyzb"))],
    }


def test_rows_in_both_splits_are_allowed_but_said(tmp_path: Path) -> None:
    config = _config(**_leaking(tmp_path))
    splits = read_splits("t", config, 0)
    assert shared_rows(splits["train"], splits["eval"]) == [0, 1, 5]
    assert _notes(config, splits)[0] == "3 of 6 evaluation rows are in training too"


def test_rows_in_both_splits_are_dropped_from_training(tmp_path: Path) -> None:
    splits = _read(**_leaking(tmp_path), overlap="drop")
    assert "".join(splits["train"].text_a) == "cdefghij"
    assert "".join(splits["eval"].text_a) == "aaxyzb"
    assert splits["train"].dropped == {"in the evaluation split too": 2}
    cut = _read(**_leaking(tmp_path), overlap="drop", train_rows=7)
    assert len(cut["train"]) == 7 and not {"a", "b"} & set(cut["train"].text_a)


def test_rows_in_both_splits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"^task t: 3 of 6 evaluation rows are in the training split too, such as 'a'",
    ):
        _read(**_leaking(tmp_path), overlap="refuse")
    apart = {**_leaking(tmp_path), "eval": [_source(tmp_path / "new.jsonl", _rows("xyz"))]}
    assert len(_read(**apart, overlap="refuse")["eval"]) == 3
    config = _config(**apart, overlap="drop")
    assert not any("left out" in note for note in _notes(config, read_splits("t", config, 0)))
    same = {**_leaking(tmp_path), "eval": _leaking(tmp_path)["train"]}
    with pytest.raises(UserError, match="every training row is in the evaluation split too"):
        _read(**same, overlap="drop")


# One file for everything.


def test_one_file_is_cut_into_splits_that_share_no_input(tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrst"
    config = {"train": [_source(tmp_path / "all.jsonl", _rows(letters * 2))]}
    splits = _read(**config, split={"eval": 0.3})
    train, evaluation = (set(splits[name].text_a) for name in ("train", "eval"))
    assert len(evaluation) == 6 and train | evaluation == set(letters) and not train & evaluation
    assert len(splits["train"]) == 28 and len(splits["eval"]) == 12

    again, other = (_read(**config, split={"eval": 0.3, "seed": seed})["eval"] for seed in (0, 1))
    assert again == splits["eval"] and other != again
    assert read_splits("t", _config(**config, split={"eval": 0.3}), 7)["eval"] == again


def test_a_column_says_where_a_row_belongs(tmp_path: Path) -> None:
    rows = [
        {**row, "fold": fold} for row, fold in zip(_rows("abcdef"), [1, 1, 2, 2, 3, 3], strict=True)
    ]
    source = {"train": [_source(tmp_path / "all.jsonl", rows)]}
    split = {"column": "fold", "values": {"1": "train", "2": "eval"}}
    with pytest.raises(UserError, match=r"row 5: split\.values says nothing of fold '3'.*drop"):
        _read(**source, split=split)
    splits = _read(**source, split=split, drop={"fold": ["3"]})
    assert (splits["train"].text_a, splits["eval"].text_a) == (["a", "b"], ["c", "d"])
    assert splits["train"].dropped == {"fold '3'": 2} and not splits["eval"].dropped


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "give either eval, the sources of the evaluation split, or split"),
        ({"eval": "train", "split": {"eval": 0.1}}, "give either eval, the sources"),
        ({"split": {}}, "give either eval, a share of the rows, or column"),
        ({"split": {"eval": 0.1, "column": "fold"}}, "give either eval, a share"),
        ({"split": {"eval": 1.0}}, "must be above 0 and below 1"),
        ({"split": {"column": "fold"}}, "column and values belong together"),
        ({"split": {"column": "f", "values": {"a": "train"}}}, "each at least once"),
        ({"split": {"column": "f", "values": {"a": "test"}}}, "must be one of"),
        ({"overlap": "remove"}, "must be one of"),
    ],
)
def test_refused_ways_to_split(tmp_path: Path, changes: Any, message: str) -> None:
    train = [_source(tmp_path / "all.jsonl", _rows("ab"))]
    if changes.get("eval"):
        changes = {**changes, "eval": train}
    with pytest.raises(UserError, match=message):
        _config(train=train, **changes)


# Rows left out, and labels as they are written.


def test_rows_are_left_out_by_label_and_by_missing_value(tmp_path: Path) -> None:
    """SNLI marks rows without agreement by "-", GLUE hidden labels by -1, others leave gaps."""
    rows = [
        *_rows("ab"), *_rows("c", "-"), *_rows("d", -1), *_rows("e", None),
        {"text": None, "label": 0}, *_rows("fg"),
    ]  # fmt: skip
    rows[4]["label"] = None
    source = [_source(tmp_path / "all.jsonl", rows)]
    drop = {"label": ["-", "-1", None], "text": [None]}
    config = _config(train=source, eval=source, drop=drop)
    splits = read_splits("t", config, 0)
    assert "".join(splits["train"].text_a) == "abfg"
    assert splits["eval"].dropped == {"label '-'": 1, "label '-1'": 1, "no label": 1, "no text": 1}
    assert "1 training rows were left out (label '-')" in _notes(config, splits)
    with pytest.raises(
        UserError, match=r"row 3: label '-' is outside the map.*or leave its rows out with drop"
    ):
        _read(train=source, eval=source)
    with pytest.raises(UserError, match="split is empty: all 8 rows were dropped"):
        _read(
            train=source, eval=source, drop={"label": ["0", "1", "-", "-1", None], "text": [None]}
        )


def test_an_empty_field_and_nan_are_missing_values(tmp_path: Path) -> None:
    table = pandas.DataFrame({"text": list("abcd"), "label": [0, 1, None, 1]})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        source = [{"files": {"paths": [str(tmp_path / name)]}}]
        rows = _read(train=source, eval=source, drop={"label": [None]})["train"]
        assert (rows.text_a, rows.targets) == (["a", "b", "d"], [0, 1, 1])


def test_files_with_differing_label_words_are_joined(tmp_path: Path) -> None:
    first = _source(
        tmp_path / "a.jsonl", [{"text": "a", "label": "yes"}, {"text": "b", "label": "no"}]
    )
    second = _source(
        tmp_path / "b.jsonl", [{"text": "c", "label": "Y"}, {"text": "d", "label": "N"}]
    )
    splits = _read(train=[first, second], eval=[first], raw_labels={"Y": "yes", "N": "no"})
    assert splits["train"].targets == [1, 0, 1, 0]


@pytest.mark.parametrize(
    "labels",
    [
        pandas.Series([0.0, 1.0, 1.0]),
        pandas.Series([" 0", "1 ", "1"]),
        pandas.Series(["0.0", "1.", " 1.0"]),
        pandas.Series(["no", "yes", " yes"]).astype("category"),
        pandas.Series([0, 1, 1], dtype="Int64"),
    ],
    ids=["floats", "spaces", "texts of floats", "categories", "whole numbers with gaps"],
)
def test_labels_as_pandas_writes_them(tmp_path: Path, labels: pandas.Series) -> None:
    table = pandas.DataFrame({"text": list("abc"), "label": labels})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    table.to_json(tmp_path / "a.json", orient="records")
    for path in sorted(tmp_path.iterdir()):
        source = [{"files": {"paths": [str(path)]}}]
        assert _read(train=source, eval=source)["train"].targets == [0, 1, 1]


def test_truths_need_a_word_on_what_they_mean(tmp_path: Path) -> None:
    """Entailment is label 0 in GLUE: true is not always 1."""
    table = pandas.DataFrame({"text": list("ab"), "label": [True, False]})
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for path in sorted(tmp_path.iterdir()):
        source = [{"files": {"paths": [str(path)]}}]
        with pytest.raises(
            UserError, match=r"label 'True' is outside the map.*say what it means in raw_labels"
        ):
            _read(train=source, eval=source)
        for true, false in (("true", "false"), ("True", "False")):
            rows = _read(train=source, eval=source, raw_labels={true: "no", false: "yes"})["train"]
            assert rows.targets == [0, 1]


def test_a_label_is_taken_literally_first() -> None:
    read = Classification(("1.0", "1"), "accuracy").reader({"a": "1", " a": "1.0"})
    assert [read(raw) for raw in ("1.0", "1", "a", " a")] == [0, 1, 1, 0]
    for unclear in ("1.00", "a "):
        with pytest.raises(ValueError, match="is outside the map"):
            read(unclear)


def test_what_is_no_single_label_is_one_sentence(tmp_path: Path) -> None:
    for label, message in (
        ([0, 1], "column 'label' holds .0, 1., but a row has one label or number"),
        ({"a": 1}, "there is no kind of task for several labels, labels of tokens or texts"),
        ("9" * 5000, "label '9{79}… is outside the map"),
        ("3.75", "or set kind: regression for numbers"),
        (None, "label 'None' is outside the map"),
    ):
        rows = _rows("ab") + _rows("c", label)
        if label is None:
            rows[-1]["label"] = None
        source = [_source(tmp_path / "a.jsonl", rows)]
        with pytest.raises(UserError, match=message):
            _read(train=source, eval=source)


@pytest.mark.parametrize("text", ["half \ud800 a pair", "a \0 sign"])
@pytest.mark.parametrize("column", ["text", "tag"])
def test_text_that_no_file_holds_is_one_sentence(tmp_path: Path, text: str, column: str) -> None:
    rows = [{**row, "tag": "x"} for row in _rows("abc")]
    rows[2][column] = text
    source = [_source(tmp_path / "a.jsonl", rows)]
    columns = {"text_a": "text", "text_b": None, "tag": "tag"}
    with pytest.raises(
        UserError, match=rf"row 3: column '{column}' holds .*, but must be text without NUL"
    ):
        _read(train=source, eval=source, columns=columns)


def test_a_column_that_happens_to_be_called_round(tokenizer_dir: Path, tmp_path: Path) -> None:
    source = [_source(tmp_path / "a.jsonl", [{**row, "round": 1.5} for row in _rows("ab")])]
    made = prepare_task("t", _config(train=source, eval=source), tokenizer_dir, 0, tmp_path / "out")
    assert made["train"]["tags"] == {}
    world = [{"synthetic": {"kind": "adversarial", "split": "train", "rows": 12}}]
    own = {"columns": {"text_a": "text_a", "text_b": "text_b"}}
    labels = ["entailment", "neutral", "contradiction"]
    assert None not in _read(train=world, eval=world, labels=labels, **own)["train"].tags


# Sorted files.


def test_a_sample_of_a_sorted_file_is_drawn_from_all_of_it(tmp_path: Path) -> None:
    letters = [chr(97 + place % 26) * (1 + place // 26) for place in range(200)]
    rows = [{"text": text, "label": str(int(place >= 150))} for place, text in enumerate(letters)]
    source = [_source(tmp_path / "a.jsonl", rows)]
    targets = _read(train=source, eval=source, train_rows=60)["train"].targets
    assert 5 < sum(targets) < 25


LABELS = {"labels": ["no", "yes", "maybe"]}


def test_a_split_without_one_of_the_labels_is_refused(tokenizer_dir: Path, tmp_path: Path) -> None:
    source = [_source(tmp_path / "a.jsonl", _rows("abcdef"))]
    whole = [_source(tmp_path / "b.jsonl", [*_rows("abcdefghij"), *_rows("k", 2)])]
    for changes, message in (
        (
            {"train": whole, "eval": source},
            "task t: no row of the eval split has the label 'maybe'",
        ),
        (
            {"train": whole, "eval": whole, "train_rows": 2},
            r"no row of the train split \(train_rows cuts it to 2\) has the label|every row",
        ),
    ):
        with pytest.raises(UserError, match=message):
            prepare_task("t", _config(**changes, **LABELS), tokenizer_dir, 0, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_label_with_few_rows_and_an_empty_text_are_said(
    tokenizer_dir: Path, tmp_path: Path
) -> None:
    rows = [*_rows("abcdefghij"), *_rows("klmn", 2), *_rows(" ", 1)]
    source = [_source(tmp_path / "a.jsonl", rows)]
    made = prepare_task(
        "t", _config(train=source, eval=source, **LABELS), tokenizer_dir, 0, tmp_path / "out"
    )
    assert made["notes"] == [
        "15 of 15 evaluation rows are in training too",
        "training: label 'maybe' has only 4 rows",
        "1 training rows have an empty text",
        "evaluation: label 'maybe' has only 4 rows",
        "1 evaluation rows have an empty text",
    ]


KINDS: dict[str, tuple[TaskKind, list[float]]] = {
    "labels": (Classification(("a", "b", "c"), "accuracy"), [0] * 40 + [1] * 40 + [2] * 40),
    "numbers": (Regression((), "pearson"), list(np.linspace(0, 5, 120))),
}


@pytest.mark.parametrize(("kind", "targets"), KINDS.values(), ids=KINDS)
def test_training_examples_that_are_measured_stand_for_a_sorted_split(
    kind: TaskKind, targets: list[float]
) -> None:
    ids = [np.array([place]) for place in range(len(targets))]
    ordered = Split(ids, np.asarray(targets, kind.dtype), 0, kind)
    sample = ordered.sample(30)
    assert len(sample) == 30 and kind.stands_for(sample.labels, ordered.labels)
    assert len({int(row[0]) for row in sample.input_ids}) == 30
    mixed = ordered.take(np.random.default_rng(0).permutation(len(targets)))
    assert np.array_equal(mixed.sample(30).labels, mixed.labels[:30])  # as it was before
    assert len(ordered.sample(None)) == len(targets)
