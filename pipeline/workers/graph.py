"""What DVC does before and after a stage's command: staleness, run cache, commit, dvc.lock."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.rwlock import rwlock
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.run import prepare_kwargs

from pipeline.errors import UserError
from pipeline.workers.options import Options

log = logging.getLogger(__name__)

# dvc.lock is read and written as a whole, which takes DVC a second once it lists a hundred stages:
# it is written no more often than this, in seconds. After a kill the run cache has what it does not
# list yet.
_LOCK_EVERY = 15.0


class Graph:
    """The stages that some targets need, in a DVC repository that the caller has locked."""

    def __init__(self, repo: Any, targets: Iterable[str], options: Options) -> None:
        self._repo = repo
        self._options = options
        stages = collect_stages(repo, list(targets) or ["dvc.yaml"])
        graph = get_active_graph(repo.index.graph)
        steps = plan_repro(graph, stages)
        among = set(stages if options.single_item else steps)
        self._upstream = {stage: list(graph.successors(stage)) for stage in among}
        self.needs = {
            stage: [on for on in self._upstream[stage] if on in among]
            for stage in steps
            if stage in among
        }
        self._unlisted: list[Any] = []
        self._written = time.monotonic()

    def settle(self, stage: Any) -> str | None:
        """Say how the stage is settled without its command, or None: it must run.

        A stage that must run has lost its old outputs, as with ``dvc repro``.

        Raises:
            UserError: DVC cannot tell, since a file that the stage reads is missing, for instance.
        """
        with _one_sentence():
            if stage.frozen or not stage.cmd:
                return self._checked(stage)
            if self._unchanged(stage):
                return "unchanged"
            if self._options.dry:
                log.info("Would run stage '%s': %s", stage.addressing, self.command(stage))
                return "would run"
            stage.remove_outs(ignore_remove=False, force=False)
            return self._restored(stage)

    def _unchanged(self, stage: Any) -> bool:
        if self._options.force:
            return False
        return not stage.changed(self._options.allow_missing, self._upstream[stage])

    def _checked(self, stage: Any) -> str:
        """Data that is tracked or imported, and frozen stages: no command of ours."""
        options = self._options
        if stage.reproduce(allow_missing=options.allow_missing, dry=options.dry) is None:
            return "unchanged"
        if not options.dry:
            stage.dump(update_pipeline=False)
        return "checked"

    def _restored(self, stage: Any) -> str | None:
        try:
            if self._options.force:
                raise RunCacheNotFoundError(stage)
            self._repo.stage_cache.restore(stage)
        except RunCacheNotFoundError:
            stage.save_deps()
            return None
        self.commit(stage)
        return "restored from the run cache"

    def commit(self, stage: Any) -> None:
        """Take what the command made into DVC's cache, and into dvc.lock before long.

        Raises:
            UserError: an output is missing.
        """
        measured = [out for out in stage.outs if not (out.is_metric or out.is_plot)]
        missing = self._options.allow_missing
        with _one_sentence():
            cached = all(out.use_cache for out in measured)
            stage.save(allow_missing=missing, run_cache=cached)
            stage.commit(allow_missing=missing)
        self._unlisted.append(stage)

    def lock_due(self) -> float | None:
        """Seconds until dvc.lock is to be written; None where it lists all that was committed."""
        if not self._unlisted:
            return None
        return max(self._written + _LOCK_EVERY - time.monotonic(), 0.0)

    def write_lock(self) -> None:
        """List in dvc.lock what was committed and is not listed yet."""
        files = {stage.path: stage.dvcfile for stage in self._unlisted}
        for path, file in files.items():
            made = [stage for stage in self._unlisted if stage.path == path]
            file.dump_stages(made, update_pipeline=False)
        self._unlisted.clear()
        self._written = time.monotonic()

    def busy(self, stage: Any) -> AbstractContextManager[None]:
        """Keep other DVC processes off the stage's paths while its command runs."""
        held: AbstractContextManager[None] = rwlock(
            self._repo.tmp_dir,
            self._repo.fs,
            f"{' '.join(sys.argv)}: {stage.addressing}",
            [dep.fs_path for dep in stage.deps],
            [out.fs_path for out in stage.outs],
            self._repo.config["core"].get("hardlink_lock", False),
        )
        return held

    @staticmethod
    def command(stage: Any) -> str:
        """The stage's command; several are one, each run if the one before it succeeded."""
        lines = stage.cmd if isinstance(stage.cmd, list) else stage.cmd.splitlines()
        return " && ".join(lines)

    @staticmethod
    def variables(stage: Any) -> dict[str, str]:
        """The environment that DVC gives a command."""
        given: dict[str, str] = prepare_kwargs(stage)["env"]
        return given

    @contextmanager
    def unlocked(self) -> Iterator[None]:
        """Let other DVC commands have the repository while the driver waits."""
        self._repo.lock.unlock()
        self._repo._reset()
        try:
            yield
        finally:
            self._repo.lock.lock()


@contextmanager
def opened(targets: Iterable[str], options: Options) -> Iterator[Graph]:
    """The graph of the repository around the working directory, locked; dvc.lock is whole after it.

    Raises:
        UserError: what DVC says of a broken dvc.yaml, an unknown target, or a repository in use.
    """
    with (
        _one_sentence(),
        Repo(_wait_for_lock=True) as repo,
        repo.lock,
        repo.scm_context(),
    ):
        graph = Graph(repo, targets, options)
        try:
            yield graph
        finally:
            graph.write_lock()


@contextmanager
def _one_sentence() -> Iterator[None]:
    """What DVC says as a user's error."""
    try:
        yield
    except DvcException as error:
        raise UserError(str(error)) from error
