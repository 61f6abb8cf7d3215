from __future__ import annotations

import json
import math
from itertools import islice
from pathlib import Path

import datasets
import pytest

from pipeline.common.config import parse
from pipeline.errors import UserError
from pipeline.text import synthetic
from pipeline.text.files import FilesConfig
from pipeline.text.hub import HubConfig
from pipeline.text.sources import RowSource, SyntheticRows, SyntheticText, TextSource


def test_exactly_one_source_is_given() -> None:
    with pytest.raises(ValueError, match="exactly one of hub, files and synthetic, not none"):
        TextSource()
    with pytest.raises(ValueError, match="not hub and files"):
        RowSource(hub=HubConfig("a", "train"), files=FilesConfig(("a.tsv",)))
    with pytest.raises(ValueError, match="column is 'body', but documents of the embedded world"):
        TextSource(synthetic=SyntheticText(5), column="body")


def test_sources_are_parsed_from_params() -> None:
    value = {"files": {"paths": ["a.csv"], "header": ["label", "text"]}, "tag": "R1"}
    expected = RowSource(files=FilesConfig(("a.csv",), header=("label", "text")), tag="R1")
    assert parse(RowSource, value, "p") == expected
    with pytest.raises(UserError, match=r"p.synthetic.split is 'test', but must be one of"):
        parse(RowSource, {"synthetic": {"kind": "inference", "split": "test", "rows": 1}}, "p")


def test_embedded_documents_depend_on_the_seed_only() -> None:
    source = TextSource(synthetic=SyntheticText(30))
    first = list(source.documents(1))
    assert len(first) == 30 and all(line for document in first for line in document)
    assert list(source.documents(1)) == first
    assert list(source.documents(2)) != first
    # A longer corpus starts with the shorter one.
    assert list(islice(TextSource(synthetic=SyntheticText(60)).documents(1), 30)) == first


def test_stray_is_handed_to_the_documents() -> None:
    for stray in (0.0, 1.0):
        made = list(TextSource(synthetic=SyntheticText(20, stray)).documents(1))
        assert made == list(synthetic.documents(1, 20, stray))
    assert made != list(TextSource(synthetic=SyntheticText(20)).documents(1))


@pytest.mark.parametrize("stray", [-0.1, 1.1, math.nan])
def test_stray_is_a_share(stray: float) -> None:
    with pytest.raises(ValueError, match=f"stray is {stray}, but must be a share from 0 to 1"):
        SyntheticText(20, stray)


def test_embedded_rows_and_their_description() -> None:
    source = RowSource(synthetic=SyntheticRows("adversarial", "train", 20))
    rows = list(source.rows(0))
    assert len(rows) == 20 and {"text_a", "text_b", "label", "round"} <= set(rows[0])
    assert source.describe() == "embedded world, adversarial, train"


def test_hub_documents_come_from_the_text_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: [{"body": "one\n\ntwo"}])
    hub = HubConfig("org/set", "train")
    assert list(TextSource(hub=hub, column="body").documents(0)) == [["one", "two"]]
    with pytest.raises(UserError, match="hub data set 'org/set' has no column 'text'"):
        list(TextSource(hub=hub).documents(0))


def test_file_rows_and_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "one\ntwo"}), encoding="utf-8")
    files = FilesConfig((str(path),))
    assert list(RowSource(files=files).rows(0)) == [{"text": "one\ntwo"}]
    assert list(TextSource(files=files).documents(0)) == [["one", "two"]]


@pytest.mark.parametrize("number", [0, -1])
def test_counts_are_positive(number: int) -> None:
    with pytest.raises(ValueError, match=f"documents is {number}"):
        SyntheticText(number)
    with pytest.raises(ValueError, match=f"rows is {number}"):
        SyntheticRows("inference", "eval", number)
