"""What every stage shares: arguments, parameters, logging, and errors as one sentence."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from pipeline import paths
from pipeline.common.artifacts import write_json
from pipeline.common.sealed import write_sealed
from pipeline.errors import UserError
from pipeline.running import startup
from pipeline.running.exclusive import alone
from pipeline.running.parents import end_with_parent
from pipeline.study.graph import check_graph
from pipeline.study.params import Params
from pipeline.study.reading import load_params


def run(stage: Callable[[], None]) -> None:
    """Run a stage; a user's mistake or a full machine ends it with one sentence and status 2.

    It ends with the process that started it, and no other process makes the same item meanwhile.
    """
    end_with_parent(startup.PARENT)
    # DVC names the stage that it runs, from a folder below with the way up to dvc.yaml.
    name = os.environ.get("DVC_STAGE", "").rpartition(":")[2] or Path(sys.argv[0]).stem
    # Of several processes that train together the first speaks and writes, the others warn.
    first = os.environ.get("RANK", "0") == "0"
    logging.basicConfig(
        level=logging.INFO if first else logging.WARNING,
        # Lines of several stages at a time must be told apart.
        format=f"[{name}] %(message)s",
        stream=sys.stdout,
    )
    for noisy in ("httpx", "datasets", "fsspec", "huggingface_hub"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        if first:
            with alone(paths.lock(quote(name, safe="@")), name):
                stage()
        else:
            stage()
    except Exception as error:
        sys.exit(startup.told(error))


def helper(parent: int) -> None:
    """What a process that helps a stage does first: it ends with the stage, and without a word."""
    startup.quietly()
    end_with_parent(parent)


def key() -> str:
    """Which of its stage's items this process makes, by the name that DVC gives it: STAGE@KEY.

    It is in the environment, not in the command: DVC hands commands to a shell, which would run
    what a name has behind a semicolon.

    Raises:
        UserError: the stage was started by hand, without a name.
    """
    stage, _, found = os.environ.get("DVC_STAGE", "").rpartition("@")
    if not stage:
        raise UserError(
            "this stage makes one of several items: run dvc repro STAGE@KEY, or name the item in "
            "DVC_STAGE, such as DVC_STAGE=pretrain@s200"
        )
    return found


def params() -> Params:
    """The parameters, once it is known that DVC's graph is the one that follows from them."""
    found = load_params()
    check_graph(found)
    return found


@contextmanager
def measured(stage: str, key: str) -> Iterator[None]:
    """Write on what the block ran, and apart from it, where DVC does not look, how long it took."""
    from pipeline.training.device import facts

    start = time.monotonic()
    yield
    write_json(paths.timing(stage, key), {"seconds": round(time.monotonic() - start, 2)})
    write_sealed(paths.machine(stage, key), {**facts(), "item": f"{stage}@{key}"})
