"""What every stage shares: arguments, parameters, logging, and errors as one sentence."""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.common.sealed import write_sealed
from pipeline.errors import UserError
from pipeline.study.graph import check_graph
from pipeline.study.params import Params
from pipeline.study.reading import load_params


def run(stage: Callable[[], None]) -> None:
    """Run a stage; a user's mistake or a full disk ends it with one sentence and status 2.

    Ctrl-C ends it without a word: who runs the stages says one for all.
    """
    # DVC names the stage that it runs; lines of several at a time must be told apart.
    name = os.environ.get("DVC_STAGE") or Path(sys.argv[0]).stem
    # Of several processes that train together the first speaks, the others warn.
    first = os.environ.get("RANK", "0") == "0"
    logging.basicConfig(
        level=logging.INFO if first else logging.WARNING,
        format=f"[{name}] %(message)s",
        stream=sys.stdout,
    )
    for noisy in ("httpx", "datasets", "fsspec", "huggingface_hub"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        stage()
    except UserError as error:
        sys.exit(_say(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        place = f" while writing {error.filename}" if error.filename else ""
        sys.exit(_say(f"the disk is full{place}: free some space and run dvc repro again"))


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
def timed(path: Path) -> Iterator[None]:
    """Write how long the block took, and on what, to a file of its own."""
    from pipeline.training.device import facts

    start = time.monotonic()
    yield
    write_sealed(path, {"seconds": round(time.monotonic() - start, 2), **facts()})


def _say(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 2
