"""What a node without the study's folder gets, keeps and sends home; the driver's side is real."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.running.sentences import sentence
from pipeline.workers.cluster import apart, pieces
from pipeline.workers.cluster.apart import Store, Workplace
from pipeline.workers.cluster.home import Arrivals, Sender
from pipeline.workers.cluster.order import Gone, Order, Part, Share, Sign
from pipeline.workers.cluster.pieces import Hashes, spans
from tests.running.conftest import Disk, disk  # noqa: F401

KEY = "results/timing/search/a.json"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study's folder; messages hold so little that files need several."""
    for module in (pieces, apart):
        monkeypatch.setattr(module, "MOST", 10)
    root = tmp_path / "study"
    for name, text in {
        "stages/own.py": "1", "stages/__pycache__/own.pyc": "2", "params.yaml": "seed: 0",
        "checkpoints/s0/model": "a checkpoint of 30 characters", "checkpoints/s1/model": "small",
        ".scratch/search/a/rows.jsonl": "1\n2\ntorn",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def order(root: Path, attempt: int = 1) -> Order:
    return Order(
        stage="search@a", attempt=attempt, command="true", root=root, folder=Path("."),
        variables={}, sign=Sign(root / "sign", "1"), libraries=(),
        code=("stages",), inputs=("checkpoints", "params.yaml", "none", ".scratch"),
        outputs=("results/a", "made", "never"),
    )  # fmt: skip


class Asked:
    """What a node does through Ray."""

    def __init__(self, sender: Sender) -> None:
        self.pieces = sender.pieces
        self.read = partial(sender.read, "n1")


def prepared(root: Path, node: Path, sender: Sender, attempt: int = 1) -> Workplace:
    place = Workplace(Store(node, Asked(sender), most=1000), order(root, attempt))
    list(place.prepare())
    return place


def test_what_a_command_reads_is_there_and_crosses_once(root: Path, tmp_path: Path) -> None:
    sender = Sender(root)
    first = prepared(root, tmp_path / "node", sender)
    assert (first.root / "checkpoints/s0/model").read_text() == "a checkpoint of 30 characters"
    assert (first.root / "params.yaml").read_text() == "seed: 0"
    assert [path.name for path in first.code.rglob("*.py")] == ["own.py"]
    times, size = sender.sent()
    assert set(times.values()) == {1} and len(times) == 5
    assert sender.sent().sentence().endswith("were sent to 1 nodes, none twice to the same")
    both = (*order(root).code, *order(root).inputs)
    assert size == sum(one.size for one in sender.pieces(both))
    (root / "stages/own.py").write_text("other")
    second = prepared(root, tmp_path / "node", sender, attempt=2)
    assert not first.root.exists() and second.root.exists()
    # Of the code only what changed, into a folder of its own.
    assert second.code != first.code and (first.code / "stages/own.py").read_text() == "1"
    assert sender.sent().times.total() == 6
    # The same content under another name does not cross; to a node that lost it, it does.
    (root / "checkpoints/s2").mkdir()
    shutil.copy(root / "checkpoints/s0/model", root / "checkpoints/s2/model")
    prepared(root, tmp_path / "node", sender, attempt=3)
    assert sender.sent().times.total() == 6
    shutil.rmtree(tmp_path / "node/objects")
    prepared(root, tmp_path / "node", sender, attempt=4)
    assert sender.sent().sentence().startswith("11 files")
    assert sender.sent().sentence().endswith("nodes, 5 of them again")


def test_two_nodes_with_one_folder_work_apart(root: Path, tmp_path: Path) -> None:
    sender = Sender(root)
    store = Store(tmp_path / "node", Asked(sender), most=1000)
    shares = [replace(order(root), share=Share(number, nodes=2)) for number in (0, 1)]
    first, second = (Workplace(store, one) for one in shares)
    for place in (first, second):
        list(place.prepare())
    assert (first.root / "params.yaml").exists() and (second.root / "params.yaml").exists()


def test_what_was_used_longest_ago_makes_room(root: Path, tmp_path: Path) -> None:
    sender, node = Sender(root), tmp_path / "node"
    first = prepared(root, node, sender)

    def kept() -> int:
        return sum(path.is_file() for path in (node / "objects").rglob("*"))

    assert kept() == 5
    small = Store(node, Asked(sender), most=1)
    (root / "params.yaml").write_text("seed: 1")
    for path in (node / "objects").rglob("*"):
        os.utime(path, (0, 0))
    list(small.bring(sender.pieces(("params.yaml", "checkpoints/s1"))))
    # A copy of work in progress is no link: all else is still in use.
    assert kept() == 5
    first.clear()
    (root / "params.yaml").write_text("seed: 2")
    list(small.bring(sender.pieces(("params.yaml",))))
    # The code has a folder of links; s1 and two versions of the parameters were used just now.
    assert kept() == 4
    (small_model,) = sender.pieces(("checkpoints/s1",))
    assert sender.sent().times["n1", small_model.sha256] == 1


def test_work_in_progress_goes_home_as_whole_rows_after_what_they_speak_of(
    root: Path, tmp_path: Path
) -> None:
    place = prepared(root, tmp_path / "node", Sender(root))
    arrivals = Arrivals(root, "search@a", ())
    own, home = place.root / ".scratch/search/a", root / ".scratch/search/a"
    assert list(place.progress()) == []
    (own / "rows.jsonl").write_text("1\n2\n3\n4")
    (own / "vector").write_text("v3")
    (own / "large").write_text("more than a message holds")
    (own / ".half.1-2-3.partial").touch()
    sent = list(place.progress())
    assert sent == [
        Part(".scratch/search/a/vector", 0, b"v3", True),
        Part(".scratch/search/a/rows.jsonl", 4, b"3\n", True),
    ]
    for part in sent:
        arrivals.take(part)
    assert (home / "rows.jsonl").read_text() == "1\n2\n3\n" and (home / "vector").exists()
    (own / "vector").unlink()
    # The same rows in another file, as after an order to begin anew.
    (own / "new").write_text("9\n")
    os.replace(own / "new", own / "rows.jsonl")
    gone, rows = place.progress()
    assert gone == Gone(".scratch/search/a/vector")
    for message in (gone, rows):
        arrivals.drop(message) if isinstance(message, Gone) else arrivals.take(message)
    assert (home / "rows.jsonl").read_text() == "9\n" and not (home / "vector").exists()


def test_outputs_come_into_their_places_once_all_are_there(root: Path, tmp_path: Path) -> None:
    place = prepared(root, tmp_path / "node", Sender(root))
    (place.root / "results/a").mkdir(parents=True)
    (place.root / "results/a/result.json").write_text("longer than one message")
    (place.root / "made").touch()
    (root / "made").write_text("old")
    arrivals = Arrivals(root, "search@a", order(root).outputs)
    for part in place.outputs():
        arrivals.take(part)
    assert (root / "made").read_text() == "old" and not (root / "results").exists()
    arrivals.place()
    assert (root / "made").read_text() == ""
    assert (root / "results/a/result.json").read_text() == "longer than one message"
    assert not list((root / ".scratch/arriving").iterdir())
    place.clear()
    assert not place.root.exists() and (tmp_path / "node/objects").exists()


@pytest.mark.parametrize("name", ["checkpoints/s0/model", "checkpoints/s1/model"])
def test_a_file_that_changes_on_the_way_is_refused(root: Path, tmp_path: Path, name: str) -> None:
    sender = Sender(root)
    asked = Asked(sender)
    listed = sender.pieces(("checkpoints",))
    asked.pieces = lambda places: listed  # type: ignore[method-assign]
    (root / name).write_text((root / name).read_text().upper())
    place = Workplace(Store(tmp_path / "node", asked, most=1000), order(root))
    with pytest.raises(UserError, match=f"^{name} was changed while it was sent to a node"):
        list(place.prepare())


def test_a_full_disk_of_a_node_is_one_sentence_and_leaves_no_half_file(
    root: Path,
    disk: Disk,  # noqa: F811
) -> None:
    (root / "checkpoints/s1/model").write_bytes(bytes(200_000))
    place = Workplace(Store(disk.folder, Asked(Sender(root)), most=1000), order(root))
    with pytest.raises(OSError) as raised:
        list(place.prepare())
    assert "the disk is full while writing" in (sentence(raised.value) or "")
    assert not list(disk.folder.rglob("*.partial"))


def test_a_file_is_hashed_again_only_where_it_changed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = Hashes(root)
    first = hashes.pieces([Path("checkpoints"), Path("params.yaml")])
    assert len(first) == 3
    hashed: list[Path] = []
    monkeypatch.setattr(pieces, "sha256", lambda path: hashed.append(path) or "new")
    (root / "params.yaml").write_text("seed: 1!")
    assert [one.sha256 for one in hashes.pieces([Path("params.yaml")])] == ["new"]
    assert hashes.pieces([Path("checkpoints")]) == first[:2] and len(hashed) == 1


def test_spans_cover_all_bytes(root: Path) -> None:
    def covered(size: int) -> Iterator[int]:
        for offset, length in spans(size):
            yield from range(offset, offset + length)

    assert all(list(covered(size)) == list(range(size)) for size in (0, 1, 10, 11, 20, 35))
    assert list(spans(0)) == [(0, 0)]
