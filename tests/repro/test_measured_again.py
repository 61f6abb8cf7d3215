"""A finished study on the hub, and what whoever measures it from there finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common.manifest import check_model
from pipeline.sharing.publish import prepare
from tests.repro.conftest import Study, chdir
from tests.sharing.hub_server import hub_server

pytestmark = pytest.mark.repro

NAME = "somebody/tiny"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The hub, for commands that are started while the test runs."""
    with hub_server(tmp_path / "hub") as address:
        for key, value in {
            "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache"), "HF_TOKEN": "hf_any",
            "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1",
        }.items():  # fmt: skip
            monkeypatch.setenv(key, value)
        yield


def publish(study: Study) -> None:
    with chdir(study.folder):
        prepare(NAME, list(study.params()["checkpoints"]), Path("build/publish"))
    done = study.command("python", "-m", "pipeline", "publish", NAME, "--push")
    assert done.returncode == 0, done.stdout + done.stderr


def measured_again(study: Study, folder: Path) -> Study:
    """A study of the same parameters, but that its checkpoints come from the hub."""
    params = study.params()
    recipe = params["pretrain"]["recipe"]
    for section in ("tokenizer", "corpus", "model", "pretrain"):
        del params[section]
    params["trajectory"] = {
        "source": "hub", "suite": {"id": NAME, "revision": "step{step}"},
        "tokens_per_update": recipe["batch"] * recipe["length"],
    }  # fmt: skip
    again = Study.create(folder)
    again.write(params)
    again.driver("collect", jobs=2)
    return again


def test_the_published_study_measures_the_same(study: Study, hub: None, tmp_path: Path) -> None:
    """Every table but that of pretraining, of whose course the hub knows nothing."""
    publish(study)
    again = measured_again(study, tmp_path / "again")
    for checkpoint in study.params()["checkpoints"]:
        own, fetched = (
            check_model(one.folder / f"checkpoints/{checkpoint}/model") for one in (study, again)
        )
        assert fetched["origin"]["id"] == NAME
        for file in ("model.safetensors", "tokenizer.json", "config.json"):
            assert fetched["sha256"][file] == own["sha256"][file]
    tables = {path.name for path in (study.folder / "reports").glob("*.csv")}
    for name in sorted(tables - {"pretraining.csv"}):
        own, found = (one.folder / "reports" / name for one in (study, again))
        assert found.read_bytes() == own.read_bytes(), name
