from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.dimension.levers import EfficientConfig
from pipeline.estimate.costs import describe, estimate
from pipeline.study.reading import load_params
from pipeline.training.cost import EncoderSize

BASE = EncoderSize(12, 768, 3072, 50265, 512)
PRESETS = Path(__file__).parents[2] / "presets"


def test_roberta_base_has_its_known_numbers() -> None:
    """method §3: 601.5 MFLOP a token at 512 tokens; D = 124.6 M with two labels."""
    assert BASE.training_flop(512, 0.15) == pytest.approx(601.5e6, rel=1e-4)
    assert BASE.classifier_parameters(2) == 124_647_170


def test_parameters_equal_the_models() -> None:
    from transformers import RobertaConfig, RobertaForSequenceClassification

    config = RobertaConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=22, type_vocab_size=1, num_labels=3,
    )  # fmt: skip
    model = RobertaForSequenceClassification(config)
    expected = sum(item.numel() for item in model.parameters())
    assert EncoderSize(3, 16, 24, 50, 20).classifier_parameters(3) == expected


def test_the_papers_pretraining_is_63e18_flop() -> None:
    made = estimate(load_params(PRESETS / "paper.yaml"))
    assert made.tokens["pretraining"] == pytest.approx(104.9e9, rel=1e-3)
    assert made.flop["pretraining"] == pytest.approx(6.3e19, rel=1e-2)
    assert made.stages == 3 + 6 + 20 + 2 * 21 * 6 + 3
    assert made.guessed == ()


def test_stages_are_those_that_dvc_has() -> None:
    laptop = load_params(PRESETS / "laptop.yaml")
    checkpoints, tasks = len(laptop.checkpoints), len(laptop.tasks)
    own = 3 + tasks + len(laptop.segments()) + 3
    assert estimate(laptop).stages == own + 2 * checkpoints * tasks


def test_the_protocol_decides_what_searches_cost() -> None:
    paper = load_params(PRESETS / "paper.yaml")
    efficient = replace(paper, search=replace(paper.search, protocol="efficient"))
    whole, short = estimate(paper), estimate(efficient)
    assert short.flop["search"] < whole.flop["search"] / 4
    assert whole.flop["search"] <= whole.most_flop == pytest.approx(whole.flop["search"], rel=0.2)
    capped = replace(efficient.search, efficient=EfficientConfig(max_steps=1000))
    assert estimate(replace(paper, search=capped)).flop["search"] < short.flop["search"] / 2
    assert "simulated cells" in describe(short, 1e14)


def test_hours_follow_the_rate() -> None:
    made = estimate(load_params(PRESETS / "one-gpu.yaml"))
    assert made.hours(1e14) == pytest.approx(2 * made.hours(2e14))
    assert "hours" in describe(made, 1e14)


def test_rows_that_nobody_knows_are_called_guesses() -> None:
    files = load_params(PRESETS / "files.yaml")
    assert estimate(files).guessed == ()
    task = files.tasks["mrpc"]
    uncapped = replace(task, data=replace(task.data, train_rows=None))
    made = estimate(replace(files, tasks={"mrpc": uncapped}))
    assert made.guessed == ("mrpc",) and "guesses" in describe(made, 1e12)


def test_pruned_states_take_no_disk() -> None:
    kept = load_params(PRESETS / "paper.yaml")
    pruned = replace(kept, pretrain=replace(kept.pretrain, keep_state="last"))
    made, size = len(kept.checkpoints), estimate(kept).parameters
    assert estimate(kept).disk_bytes == made * size * 12
    assert estimate(pruned).disk_bytes == made * size * 4 + size * 8
