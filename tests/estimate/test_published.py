from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.estimate.costs import estimate
from pipeline.estimate.describe import describe
from pipeline.estimate.sizes import published_size
from pipeline.published.place import Place
from pipeline.study.reading import load_params
from pipeline.study.zoo import ZooModel
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from tests.families import write_family
from tests.pretraining.conftest import SOURCES

PRESETS = Path(__file__).parents[2] / "presets"


def test_an_estimate_counts_suites_zoo_and_sweep() -> None:
    suite = estimate(load_params(PRESETS / "multiberts.yaml"))
    assert suite.flop["pretraining"] == 0 and suite.flop["search"] > suite.flop["baseline"] > 0
    assert suite.stages == 29 + 6 + 29 * 2 * 6 + 3
    assert suite.guessed_sizes == 0 and suite.disk_bytes == 29 * 109.5e6 * 4
    assert all(not estimate(load_params(PRESETS / f"{name}.yaml")).guessed_sizes for name in ("pythia", "ettin", "olmo2"))  # fmt: skip
    table = load_params(PRESETS / "table1.yaml")
    swept = estimate(table)
    assert swept.probes == 4 * 2 * 2 * 99 * 4
    # Ten epochs of training a probe.
    tokens = 4 * 2 * 99 * 4 * 10 * (3_668 * 53.8 + 363_846 * 30.8)
    assert swept.tokens["sweep"] == pytest.approx(tokens)
    assert "sweep" in describe(swept, 1e14) and "sweep" not in describe(suite, 1e14)
    zoo = estimate(load_params(PRESETS / "zoo.yaml"))
    assert zoo.stages == 20 * 4 + 3 and zoo.guessed_sizes == 0


def test_models_that_nobody_knows_are_called_guesses() -> None:
    table = load_params(PRESETS / "table1.yaml")
    models = {**table.zoo.models, "bert_base": ZooModel("someone/else")}
    made = estimate(replace(table, zoo=replace(table.zoo, models=models)))
    assert made.guessed_sizes == 1
    assert "1 published models are taken for RoBERTa-Base, a guess" in describe(made, 1e14)


def test_a_local_models_size_is_in_its_configuration(tmp_path: Path) -> None:
    make_tokenizer(TokenizerConfig(vocab_size=400), SOURCES, 0, tmp_path / "tokenizer")
    for family, layers in (("bert", 2), ("t5", 4), ("gpt2", 2)):
        write_family(family, tmp_path / "tokenizer", tmp_path / family)
        size = published_size(Place(str(tmp_path / family), "folder"))
        assert size.known and size.encoder.layers == layers
        assert (size.encoder.width, size.encoder.vocabulary) == (16, 400)
    assert not published_size(Place(str(tmp_path / "nowhere"), "folder")).known
