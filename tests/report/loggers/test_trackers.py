"""Each tracker's files, read back with the tracker's own reader where it is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common.sealed import write_jsonl
from pipeline.errors import UserError
from pipeline.report.loggers import TRACKERS
from pipeline.report.loggers.series import Point, Series, series_of
from pipeline.report.loggers.trackers import write_runs
from pipeline.report.tables import collect
from tests.report.conftest import CELLS

RUNS = [
    Series("pretraining", {"seed": 3}, [Point(50, {"loss": 6.5}), Point(100, {"loss": 4.25})]),
    Series("easy", {"model.width": 32, "search.target": "fraction"}, [Point(0, {"d90": 2048.0})]),
]
WRITTEN = {
    "pretraining": {"loss": [(50, 6.5), (100, 4.25)]},
    "easy": {"d90": [(0, 2048.0)]},
}


def test_series_are_pretraining_and_the_tasks(results: Path, tmp_path: Path) -> None:
    logs = {"s50": tmp_path / "s50.jsonl"}
    write_jsonl(logs["s50"], [{"step": 50, "loss": 6.5, "spike": False}], ["s50"])
    params = {"seed": 3, "model": {"width": 32}, "rates": [0.5], "dropout": None}
    cells = collect(results, CELLS, []).of("trajectory")
    runs = {one.name: one for one in series_of(cells, logs, params)}
    assert list(runs) == ["pretraining", "easy", "late", "never"]
    assert runs["pretraining"].points == [Point(50, {"loss": 6.5})]
    assert runs["easy"].settings == {"seed": 3, "model.width": 32, "rates": "[0.5]"}
    assert [(point.step, point.values["d90"]) for point in runs["easy"].points] == [
        (0, 2048), (10, 512), (100, 128), (1000, 32),
    ]  # fmt: skip
    # What a cell has no number for is left out.
    assert "d90" not in runs["late"].points[0].values


def of_tensorboard(folder: Path) -> dict:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = {}
    for run in folder.iterdir():
        events = EventAccumulator(str(run))
        events.Reload()
        found[run.name] = {
            tag: [(one.step, one.value) for one in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]
        }
    return found


def records(content: bytes) -> Iterator[bytes]:
    """What a log in LevelDB's format holds: pieces in blocks, behind W&B's own seven bytes."""
    place, whole = 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        # A whole record, or the last piece of one.
        if kind in (1, 4):
            yield whole
            whole = b""


def of_wandb(folder: Path) -> dict:
    from wandb.proto.wandb_internal_pb2 import Record

    found: dict = {}
    for path in folder.glob("wandb/offline-run-*/*.wandb"):
        name, points = "", {}
        for content in records(path.read_bytes()):
            record = Record.FromString(content)
            if record.HasField("run"):
                name = record.run.display_name
                said = {one.key: json.loads(one.value_json) for one in record.run.config.update}
                wanted = next(one.settings for one in RUNS if one.name == name)
                assert wanted.items() <= said.items()
            items = {
                one.key or one.nested_key[0]: json.loads(one.value_json)
                for one in record.history.item
            }
            for key in items.keys() - {"_step", "_runtime", "_timestamp", "_wandb"}:
                points.setdefault(key, []).append((items["_step"], items[key]))
        found[name] = points
    return found


def of_mlflow(folder: Path) -> dict:
    from mlflow.tracking import MlflowClient

    from pipeline.report.loggers.for_mlflow import EXPERIMENT, address

    client = MlflowClient(tracking_uri=address(folder))
    experiment = client.get_experiment_by_name(EXPERIMENT)
    found = {}
    for run in client.search_runs([experiment.experiment_id]):
        histories = {
            key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics
        }
        found[run.info.run_name] = {
            key: [(one.step, one.value) for one in history] for key, history in histories.items()
        }
        wanted = next(one.settings for one in RUNS if one.name == run.info.run_name)
        assert run.data.params == {key: str(value) for key, value in wanted.items()}
    return found


READERS = {"tensorboard": of_tensorboard, "wandb": of_wandb, "mlflow": of_mlflow}


@pytest.mark.parametrize("tracker", TRACKERS)
def test_what_was_written_reads_back(tracker: str, tmp_path: Path) -> None:
    pytest.importorskip(tracker, reason=f"needs the extra {tracker}")
    said = write_runs(tracker, RUNS, tmp_path / "runs")
    assert said.startswith(f"2 runs are in {tmp_path / 'runs'}")
    assert READERS[tracker](tmp_path / "runs") == WRITTEN


def test_a_tracker_that_is_not_installed_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.delitem(sys.modules, "pipeline.report.loggers.for_wandb", raising=False)
    with pytest.raises(UserError, match=r"wandb is not installed: pip install '\.\[wandb\]'"):
        write_runs("wandb", RUNS, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="exists: remove it, or name another folder"):
        write_runs("tensorboard", RUNS, tmp_path)
