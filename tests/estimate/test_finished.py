"""What an estimate counts beforehand is what a finished study has counted."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.estimate.costs import Estimate, estimate
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.result import FullResult
from pipeline.probes.result import SearchResult
from pipeline.probes.search import search_cell
from pipeline.study.params import Params
from pipeline.study.reading import as_params
from tests.pretraining.conftest import MODEL
from tests.worlds import open_cell

TASK = "polarity_short"
FINETUNE = {"epochs": 2, "batch": 16, "learning_rates": [0.003, 0.01], "dropout": 0.0}


@pytest.fixture(scope="module")
def params() -> Params:
    sources = {
        split: [{"synthetic": {"kind": TASK, "split": split, "rows": 480}}]
        for split in ("train", "eval")
    }
    data = {
        **sources, "columns": {"text_a": "text_a", "text_b": None}, "max_length": 32,
        "labels": ["negative", "positive"],
    }  # fmt: skip
    return as_params(
        {
            "seed": 0, "tokenizer": {"vocab_size": 500}, "model": asdict(MODEL),
            "corpus": {"sources": [{"synthetic": {"documents": 9}}], "max_sentence_tokens": 30}, "checkpoints": {"s0": 0},
            "pretrain": {"recipe": {"length": 32}}, "tasks": {TASK: {"data": data, "finetune": FINETUNE}},
            "search": {"protocol": "sweep", "grid": {"values": [20, 40]}, "rates": [0.35],
                       "epochs": 1, "target": "chance_corrected"},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(
    world: Path, params: Params, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, FullResult, SearchResult]:
    """A study of one cell, with its task where a study has it."""
    root = tmp_path_factory.mktemp("finished")
    config = params.tasks[TASK].finetune
    cell = open_cell(world, TASK, config)
    full = fine_tune_fully(cell, config, root / "a", root / "full", demand=params.search.demand())
    search = search_cell(
        cell, search=params.search, subspace=params.subspace, finetune=config, full=full,
        neighbour=None, scratch=root / "b", out=root / "search",
    )  # fmt: skip
    shutil.copytree(world / TASK, root / f"data/tasks/trajectory/{TASK}")
    return root, full, search


@pytest.fixture
def made(
    params: Params, finished: tuple[Path, FullResult, SearchResult], monkeypatch: pytest.MonkeyPatch
) -> Estimate:
    monkeypatch.chdir(finished[0])
    return estimate(params, prepared=True)


def test_trainings_and_tokens_are_counted_exactly(
    made: Estimate, finished: tuple[Path, FullResult, SearchResult]
) -> None:
    _, full, search = finished
    assert search.status != "baseline_at_chance" and made.probes == search.probes == 2
    assert made.tokens["baseline"] == pytest.approx(full.cost.tokens)
    assert made.tokens["search"] == pytest.approx(search.cost.tokens)
    assert made.parameters == full.parameters


def test_flop_are_those_that_were_spent(
    made: Estimate, finished: tuple[Path, FullResult, SearchResult]
) -> None:
    _, full, search = finished
    assert made.flop["baseline"] == pytest.approx(full.cost.flop, rel=0.15)
    assert made.flop["search"] == pytest.approx(search.cost.flop, rel=0.15)
    assert made.most_flop == made.flop["search"]


def test_lengths_are_the_prepared_rows_own(made: Estimate, params: Params) -> None:
    train = made.sizes[TASK].train
    assert train.length_known and train.length < 16
    assert estimate(params).sizes[TASK].train.length == 16 and not (
        estimate(params).sizes[TASK].train.length_known
    )
