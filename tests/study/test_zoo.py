from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.dimension.sweep_grid import SweepProbes, left_out
from pipeline.estimate.costs import describe, estimate
from pipeline.estimate.sizes import published_size
from pipeline.published.place import Place
from pipeline.study import params
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from tests.families import write_family
from tests.pretraining.conftest import SOURCES

PRESETS = Path(__file__).parents[2] / "presets"


def test_the_papers_sweep_goes_from_10_to_10000() -> None:
    values = SweepProbes().values()
    # Of the 100, rounding makes two equal.
    assert len(values) == 99 and (values[0], values[-1]) == (10, 10_000)
    assert list(values) == sorted(set(values))


def test_dimensions_that_cannot_be_have_a_reason() -> None:
    probes = SweepProbes(minimum=10, maximum=1000, points=5)
    assert probes.values() == (10, 32, 100, 316, 1000)
    assert probes.possible(14, 500) == (32, 100, 316)
    assert probes.possible(0, 10**6) == probes.values()
    assert left_out(10, 14, 500) == "SAID scales 14 layers, so d must be above 14"
    assert left_out(1000, 14, 500) == "the model has only 500 parameters"


@pytest.mark.parametrize(
    "wrong",
    [{"minimum": 0}, {"maximum": 10}, {"points": 1}, {"learning_rates": ()}, {"seeds": 0},
     {"epochs": 0}, {"fraction": 0.0}],
)  # fmt: skip
def test_impossible_sweeps_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SweepProbes(**wrong)


def test_an_estimate_counts_suites_zoo_and_sweep() -> None:
    suite = estimate(params.load(PRESETS / "multiberts.yaml"))
    assert suite.flop["pretraining"] == 0 and suite.flop["said"] > suite.flop["baseline"] > 0
    assert suite.stages == 29 + 6 + 29 * (1 + 2 * 6) + 2
    assert suite.guessed_sizes == 0 and suite.disk_bytes == 29 * 109.5e6 * 4
    table = params.load(PRESETS / "table1.yaml")
    swept = estimate(table)
    assert swept.probes == 4 * 2 * 2 * 99 * 4
    # Ten epochs of training and evaluation a probe, at half of 512 tokens a row.
    tokens = 4 * 2 * 99 * 4 * 10 * 256 * (3_668 + 363_846)
    assert swept.tokens["sweep"] == pytest.approx(tokens)
    assert "sweep" in describe(swept, 1e14) and "sweep" not in describe(suite, 1e14)
    zoo = estimate(params.load(PRESETS / "zoo.yaml"))
    assert zoo.stages == 1 + 20 * 4 + 2 and zoo.guessed_sizes == 0


def test_models_that_nobody_knows_are_called_guesses() -> None:
    table = params.load(PRESETS / "table1.yaml")
    models = {**table.zoo.models, "bert_base": Place("someone/else")}
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
