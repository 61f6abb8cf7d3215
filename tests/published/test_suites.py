from __future__ import annotations

import pytest

from pipeline.errors import UserError
from pipeline.published.suites import Pattern, SuiteCheckpoint, SuiteConfig


def suite(pattern: Pattern | None, **checkpoints: SuiteCheckpoint) -> SuiteConfig:
    return SuiteConfig(pattern, checkpoints)


S7 = SuiteCheckpoint(7000, "7k")


def test_a_repository_a_step() -> None:
    place = suite(Pattern("google/multiberts-seed_0-step_{label}"), s7=S7).place("s7", "hub")
    assert (place.source, place.id, place.revision) == (
        "hub",
        "google/multiberts-seed_0-step_7k",
        None,
    )


def test_a_revision_a_step() -> None:
    config = suite(Pattern("EleutherAI/pythia-160m", revision="step{step}", pad_token="<p>"), s7=S7)
    place = config.place("s7", "hub")
    assert (place.id, place.revision, place.pad_token) == (
        "EleutherAI/pythia-160m",
        "step7000",
        "<p>",
    )


def test_a_folder_a_step() -> None:
    place = suite(Pattern("runs/a", folder="step-{step}/model"), s7=S7).place("s7", "folder")
    assert (place.source, place.id, place.folder) == ("folder", "runs/a", "step-7000/model")


def test_a_checkpoints_own_revision_pins_it() -> None:
    config = suite(
        Pattern("a/b-{step}", revision="main"), s7=SuiteCheckpoint(7, revision="0123abc")
    )
    assert config.place("s7", "hub").revision == "0123abc"


def test_only_step_and_label_stand_for_something() -> None:
    config = suite(Pattern("a/{seed}-{step}"), s7=S7)
    assert config.place("s7", "hub").id == "a/{seed}-7000"


@pytest.mark.parametrize(
    ("config", "source", "message"),
    [
        (suite(None), "hub", "suite.pattern must say where"),
        (suite(Pattern("a/b")), "hub", "suite.checkpoints which there are"),
        (suite(Pattern("a/b"), s0=SuiteCheckpoint(0), s7=S7), "hub", "gives s0 and s7 the same place"),
        (suite(Pattern("a/{label}"), s0=SuiteCheckpoint(0)), "hub", "checkpoints.s0 has no label"),
        (suite(Pattern("a/{step}", revision="main"), s7=S7), "folder", "checkpoint s7: a revision is for"),
    ],
)  # fmt: skip
def test_a_suite_that_makes_no_sense_is_one_sentence(config, source: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        config.check(source)


def test_an_unknown_checkpoint_names_the_closest() -> None:
    with pytest.raises(UserError, match="did you mean 's7'"):
        suite(Pattern("a/{step}"), s7=S7).place("s8", "hub")
