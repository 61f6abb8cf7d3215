from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.common.sealed import write_sealed
from pipeline.dimension.levers import EfficientConfig
from pipeline.errors import UserError
from pipeline.estimate.costs import by_precision, efficiently, estimate
from pipeline.estimate.describe import describe, describe_precisions
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

    config = RobertaConfig(  # type: ignore[call-arg]
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
    assert made.stages == 3 + 6 + 20 + 3 * 21 * 6 + 3
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
    task = files.tasks["qqp"]
    uncapped = replace(task, data=replace(task.data, train_rows=None))
    made = estimate(replace(files, tasks={"qqp": uncapped}))
    assert made.guessed == ("qqp",)
    shown = describe(made, 1e12)
    assert "10,000?" in shown and "Row counts of qqp with a ? are guesses" in shown
    assert "24.0?" in shown and "half of max_length" in shown


def test_a_row_of_known_length_counts_with_it() -> None:
    paper = load_params(PRESETS / "paper.yaml")
    made = estimate(paper)
    # Three rates of ten epochs, 21 checkpoints; tokens an epoch by method §4's six tasks.
    assert made.tokens["baseline"] == pytest.approx(30 * 21 * 131.3e6, rel=1e-3)
    shown = describe(made, 4e14)
    assert "159.0" in shown and "?" not in shown and "padding" in shown and "4e+14" in shown


def test_what_lies_prepared_counts_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = load_params(PRESETS / "laptop.yaml")
    monkeypatch.chdir(tmp_path)
    counted = {"train": {"rows": 600, "tokens": 12_000}, "eval": {"rows": 600, "tokens": 9_000}}
    labels = [*laptop.tasks["duplicate"].data.labels]
    manifest = tmp_path / "data/tasks/trajectory/duplicate/manifest.json"
    write_sealed(manifest, {"max_length": 96, "labels": labels, **counted})
    lengths = [split.length for split in estimate(laptop, prepared=True).sizes["duplicate"].splits]
    assert lengths == [20, 15]
    assert estimate(laptop).sizes["duplicate"].train.length == 48


def test_the_same_study_efficiently() -> None:
    paper = load_params(PRESETS / "paper.yaml")
    other = efficiently(paper)
    assert (other.baseline.protocol, other.search.protocol) == ("efficient", "efficient")
    made = estimate(other)
    assert made.flop["baseline"] < estimate(paper).flop["baseline"]
    assert made.flop["search"] < estimate(paper).flop["search"] / 4
    shown = describe(made, 4e14)
    assert "0.77 and 2 other rates" in shown and "4 evaluations an epoch" in shown
    assert "every learning rate to its end" in describe(estimate(paper), 4e14)
    alone = replace(other, trajectory=replace(other.trajectory, neighbours=False))
    assert made.flop["search"] < 0.9 * estimate(alone).flop["search"]


def test_pruned_states_take_no_disk() -> None:
    kept = load_params(PRESETS / "paper.yaml")
    pruned = replace(kept, pretrain=replace(kept.pretrain, keep_state="last"))
    made, size = len(kept.checkpoints), estimate(kept).parameters
    assert estimate(kept).disk_bytes == made * size * 12
    assert estimate(pruned).disk_bytes == made * size * 4 + size * 8


def test_the_command_estimates_another_file_and_protocol(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paper = PRESETS / "paper.yaml"
    monkeypatch.setattr(
        sys, "argv",
        ["pipeline", "estimate", "--params", str(paper), "--efficient", "--flops", "4e14"],
    )  # fmt: skip
    assert main() == 0
    expected = describe(estimate(efficiently(load_params(paper))), 4e14)
    assert capsys.readouterr().out == expected + "\n"


def test_a_table_by_precision_has_a_line_each() -> None:
    paper = efficiently(load_params(PRESETS / "paper.yaml"))
    made = by_precision(paper, (2, 8))
    first, second = (line.split() for line in describe_precisions(made, 4e14).splitlines()[1:])
    assert (first[0], second[0]) == ("2", "8")
    assert float(second[1]) <= float(first[1]) < float(first[2])


def test_only_efficient_searches_are_asked_for_a_precision() -> None:
    with pytest.raises(UserError, match=r"'paper', which cannot .* --efficient"):
        by_precision(load_params(PRESETS / "paper.yaml"), (2,))
