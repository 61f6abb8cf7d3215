"""``presets/files.yaml`` with files of its own, made here where it says that users put theirs."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from examples import paragraphs
from pipeline.errors import UserError
from pipeline.study.local_files import local_files
from pipeline.study.params import Params
from pipeline.study.reading import load_params
from pipeline.tasks.prepare import prepare_task
from pipeline.text.corpus import make_corpus
from pipeline.text.tokenizer import make_tokenizer

# Tasks that are made from the corpus, and what they are made from.
FROM_CORPUS = {
    "field": [
        "textbooks/history",
        "textbooks/life_science",
        "textbooks/politics",
        "textbooks/society",
    ],
    "kind": ["novels", "textbooks"],
    "nature": ["textbooks/life_science", "textbooks/society"],
    "living": ["textbooks/history", "textbooks/life_science"],
}
NOVELS = ["novels/early", "novels/late"]
PRESET = Path(__file__).parents[2] / "presets/files.yaml"
WORDS = [
    "the",
    "weather",
    "was",
    "good",
    "and",
    "bad",
    "people",
    "walked",
    "slowly",
    "to",
    "a",
    "small",
    "town",
    "by",
    "the",
    "sea",
]


def sentence(number: int) -> str:
    return " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 9)) + f" {number}."


def write_text(path: Path, start: int) -> None:
    """Forty documents of a title and two paragraphs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        for number in range(start, start + 40):
            body = [" ".join(sentence(7 * number + part) for _ in range(3)) for part in (0, 1)]
            stream.write("\n".join(["A title", *body]) + "\n\n")


def write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(rows[0]), delimiter="\t")
        table.writeheader()
        table.writerows(rows)


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """The preset in a folder that has the files it names, 30 rows each."""
    monkeypatch.chdir(tmp_path)
    made = load_params(PRESET)
    corpus = tmp_path / "mydata/corpus"
    for number, file in enumerate([*FROM_CORPUS["field"], *NOVELS]):
        write_text(corpus / f"{file}.txt.gz", 100 * number)
    for name, places in FROM_CORPUS.items():
        paths = [corpus / (f"{place}.txt.gz" if "/" in place else place) for place in places]
        said = paragraphs.main(tmp_path / f"mydata/{name}", paths)
        assert said == f"labels: [{', '.join(made.tasks[name].data.labels)}]"
    for name, task in made.tasks.items():
        if name in FROM_CORPUS:
            continue
        columns, labels = task.data.columns, task.data.labels
        names = [name for name in (columns.label, columns.text_a, columns.text_b) if name]
        rows = [
            {
                name: str(number % len(labels)) if name == columns.label else sentence(number)
                for name in names
            }
            for number in range(30)
        ]
        for source in (*task.data.train, *task.data.eval):
            assert source.files is not None
            for path in source.files.paths:
                write(tmp_path / path, rows)
    return made


def test_it_reads_the_files_that_it_names(params: Params, tmp_path: Path) -> None:
    assert params.corpus is not None
    tokenizer = tmp_path / "tokenizer"
    make_tokenizer(params.tokenizer, params.corpus.sources, 0, tokenizer)
    make_corpus(params.corpus, tokenizer, 0, tmp_path / "corpus")
    for name, task in params.tasks.items():
        made = prepare_task(name, task.data, tokenizer, 0, tmp_path / "tasks" / name)
        if name in FROM_CORPUS:
            files = 6 if name == "kind" else len(task.data.labels)
            # Of forty documents of two paragraphs every tenth is held out.
            rows = min(36 * 2 * files, task.data.train_rows or 0), 4 * 2 * files
            assert (made["train"]["rows"], made["eval"]["rows"]) == rows
            assert made["overlap"] == 0
        else:
            assert made["train"]["rows"] == 30


def test_all_its_files_lie_in_one_folder_and_are_watched(params: Params) -> None:
    places = [place for _, place, _ in local_files(params)]
    assert len(places) == 2 + 6 * 2
    assert all(place.startswith("mydata/") and Path(place).exists() for place in places)


def test_paragraphs_come_from_files_of_their_own_names(params: Params, tmp_path: Path) -> None:
    files = sorted((tmp_path / "mydata/corpus/novels").iterdir())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / files[0].name).write_bytes(files[0].read_bytes())
    for odd in ([*files, tmp_path / "other" / files[0].name], [*files, tmp_path / "short.txt"]):
        (tmp_path / "short.txt").write_text("One document alone " + "of words " * 20)
        with pytest.raises(UserError, match="name each text once, each with two documents or more"):
            paragraphs.main(tmp_path / "mydata/odd", odd)
