from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.workers.cluster import node
from pipeline.workers.cluster.needs import Need
from pipeline.workers.cluster.order import Done, Order, Part, Said, Share
from pipeline.workers.cluster.orders import Orders
from pipeline.workers.cluster.together import Meeting, torchrun
from pipeline.workers.pool import Work
from pipeline.workers.process import MODULE

MEETING = Meeting("10.0.0.1", 4000)


def orders(root: Path, need: Need, **variables: str) -> list[Order]:
    return Orders(root).make(Work("pretrain@s8", "python -m a.b", root, variables), need, 1)


def test_each_node_has_its_share(tmp_path: Path) -> None:
    assert [one.share for one in orders(tmp_path, Need(nodes=2, gpus=8))] == [
        Share(0, 2, 8), Share(1, 2, 8)
    ]  # fmt: skip
    (first, _) = orders(tmp_path, Need(nodes=2, gpus=8), PIPELINE_PROCESSES="4")
    assert first.share.processes == 4
    (first, *_) = orders(tmp_path, Need(nodes=3))
    assert first.share == Share(0, 3, 1)
    with pytest.raises(UserError, match="PIPELINE_PROCESSES is 'many': say how many"):
        orders(tmp_path, Need(nodes=2), PIPELINE_PROCESSES="many")


def test_torchrun_is_what_a_fork_can_run(tmp_path: Path) -> None:
    command = torchrun("python -m stages.pretrain", Share(1, 2, 8), MEETING)
    assert command.startswith("python -m torch.distributed.run --nnodes=2 --node-rank=1 ")
    assert "--master-addr=10.0.0.1 --master-port=4000 " in command
    assert "--nproc-per-node=8 " in command and command.endswith(" -m stages.pretrain")
    # Without a shell, whose end nobody would see.
    assert MODULE.fullmatch(command)
    with pytest.raises(UserError, match="only python -m MODULE can run on several nodes"):
        torchrun("python -m a && python -m b", Share(0, 2, 1), MEETING)


@pytest.mark.parametrize("number", [0, 1])
def test_the_first_nodes_files_are_the_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    said = [Said([]), Done(None)]
    monkeypatch.setattr(node, "_run", lambda *_: iter(said))
    row, output = Part("rows.jsonl", 0, b"1\n", True), Part("made", 0, b"", False)
    place: Any = SimpleNamespace(
        root=tmp_path, code=tmp_path, clear=lambda: None,
        progress=lambda: iter([row]), outputs=lambda: iter([output]),
    )  # fmt: skip
    order = orders(tmp_path, Need(nodes=2))[number]
    sent = list(node._run_apart(order, place))
    assert sent == (said if number else [row, said[0], output, said[1]])
