from __future__ import annotations

import pytest

from pipeline.published.suites import Pattern


def test_a_repository_a_step() -> None:
    place = Pattern("google/multiberts-seed_0-step_{label}").place("hub", 7000, "7k")
    assert (place.source, place.id, place.revision) == (
        "hub", "google/multiberts-seed_0-step_7k", None,
    )  # fmt: skip


def test_a_revision_a_step() -> None:
    pattern = Pattern("EleutherAI/pythia-160m", revision="step{step}", pad_token="<p>")
    place = pattern.place("hub", 7000, "7k")
    assert (place.id, place.revision, place.pad_token) == (
        "EleutherAI/pythia-160m", "step7000", "<p>",
    )  # fmt: skip


def test_a_folder_a_step() -> None:
    place = Pattern("runs/a", folder="step-{step}/model").place("folder", 7000, "7k")
    assert (place.source, place.id, place.folder) == ("folder", "runs/a", "step-7000/model")


def test_a_checkpoints_own_revision_pins_it() -> None:
    assert (
        Pattern("a/b-{step}", revision="main").place("hub", 7, "7", "0123abc").revision == "0123abc"
    )


def test_only_step_and_label_stand_for_something() -> None:
    assert Pattern("a/{seed}-{step}").place("hub", 7000, "7k").id == "a/{seed}-7000"


def test_a_folder_has_no_revisions() -> None:
    with pytest.raises(ValueError, match="a revision is for models of the hub"):
        Pattern("a/{step}", revision="main").place("folder", 7, "7")
