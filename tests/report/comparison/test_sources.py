from __future__ import annotations

from pathlib import Path

from pipeline.report.comparison.sources import changed, sources

LOCK = """
schema: '2.0'
stages:
  task:
    cmd: x
    deps:
    - {path: pipeline/tasks, md5: 1.dir}
    - {path: mydata/a.csv, md5: "2"}
    - {path: params.yaml, md5: "3"}
    - {path: data/settings/x.json, md5: "4"}
    outs:
    - {path: data/settings, md5: "5"}
    - {path: results/baseline/s0/t/result.json, md5: "6"}
  collect:
    cmd: x
    deps:
    - {path: results/baseline, md5: "7"}
"""


def test_sources_are_what_no_stage_makes(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(LOCK)
    assert sources(tmp_path / "dvc.lock") == {"pipeline/tasks": "1.dir", "mydata/a.csv": "2"}
    assert sources(tmp_path / "missing") == {}


def test_what_changed_is_named_of_the_studies_that_recorded_it() -> None:
    one, other = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "0"}
    assert changed({"one": one, "other": other, "none": {}}) == ["b", "c"]
    assert changed({"one": one, "none": {}}) == []
