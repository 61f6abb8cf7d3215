"""What DVC does before and after a stage's command: staleness, run cache, commit, dvc.lock."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from dvc.dvcfile import Lockfile
from dvc.lock import make_lock
from dvc.repo import Repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK, rwlock
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.run import prepare_kwargs
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update

from pipeline.common.artifacts import atomic_file
from pipeline.workers.healing import heal_outs
from pipeline.workers.options import Options
from pipeline.workers.pool import Work
from pipeline.workers.refusals import one_sentence
from pipeline.workers.run_cache import RunCache
from pipeline.workers.transfer import heeded

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
        # What the commands that run read: each dep with its hash when the command began.
        self._read: dict[Any, list[tuple[Any, Any, Any]]] = {}
        # The order in which DVC alone would run, and list, all stages that there are.
        self._order = {stage: place for place, stage in enumerate(plan_repro(graph))}
        self._written = time.monotonic()

    def settle(self, stage: Any) -> str | None:
        """Say how the stage is settled without its command, or None: it must run.

        A stage that must run has lost its old outputs, as with ``dvc repro``.

        Raises:
            UserError: DVC cannot tell, since a file that the stage reads is missing, for instance.
        """
        with one_sentence():
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
            self._take_in(stage)
            self._see_whole(stage)
        except RunCacheNotFoundError:
            stage.save_deps()
            self._read[stage] = [(dep, dep.hash_info, dep.meta) for dep in stage.deps]
            return None
        self._unlisted.append(stage)
        return "restored from the run cache"

    def _see_whole(self, stage: Any) -> None:
        """DVC brings back a damaged copy as if it were whole; read it, and have the stage run."""
        if damaged := heal_outs(self._repo, stage.outs):
            names = ", ".join(map(os.path.relpath, damaged))
            log.info("Stage '%s' cannot be restored: %s was damaged", stage.addressing, names)
            stage.remove_outs(ignore_remove=False, force=False)
            raise RunCacheNotFoundError(stage)

    def commit(self, stage: Any) -> None:
        """Take what the command made into DVC's cache, and into dvc.lock before long.

        Raises:
            UserError: an output is missing.
        """
        with one_sentence():
            self._take_in(stage)
        self._unlisted.append(stage)

    def _take_in(self, stage: Any) -> None:
        measured = [out for out in stage.outs if not (out.is_metric or out.is_plot)]
        missing = self._options.allow_missing
        with heeded():
            cached = all(out.use_cache for out in measured)
            stage.save(allow_missing=missing, run_cache=False)
            self._see_edits(stage)
            if cached:
                self._repo.stage_cache.save(stage)
            stage.commit(allow_missing=missing)

    def _see_edits(self, stage: Any) -> None:
        """Record of what a command read what was there when it began: an edit since is not in it.

        DVC would take the result for that of what lies there now.
        """
        read = self._read.pop(stage, [])
        edited = [dep for dep, hashed, _ in read if dep.hash_info != hashed]
        for dep, hashed, meta in read:
            dep.hash_info, dep.meta = hashed, meta
        if edited:
            names = ", ".join(map(str, edited))
            log.info("Stage '%s' is stale again: %s changed while it ran", stage.addressing, names)

    def lock_due(self) -> float | None:
        """Seconds until dvc.lock is to be written; None where it lists all that was committed."""
        if not self._unlisted:
            return None
        return max(self._written + _LOCK_EVERY - time.monotonic(), 0.0)

    def write_lock(self) -> None:
        """List in dvc.lock what was committed and is not listed yet."""
        for path in {stage.path for stage in self._unlisted}:
            made = [stage for stage in self._unlisted if stage.path == path]
            self._list(path, made)
        self._unlisted.clear()
        self._written = time.monotonic()

    def order_lock(self) -> None:
        """Put dvc.lock in DVC's own order, if another one of DVC's commands left it in another."""
        for path in {stage.path for stage in self.needs if isinstance(stage, PipelineStage)}:
            held = list(self._lock(path).load().get("stages", {}))
            if held != sorted(held, key=self._place(path)):
                self._list(path, [])

    def _list(self, path: str, made: list[Any]) -> None:
        """What `Lockfile.dump_stages` does, but in DVC's order of stages, and all or nothing."""
        lock = self._lock(path)
        text = Path(lock.path).read_text(encoding="utf-8") if lock.exists() else ""
        content = parse_yaml_for_update(text, lock.path)
        content.setdefault("schema", "2.0")
        held = content.setdefault("stages", {})
        for stage in made:
            held.update(to_lockfile(stage))
        for name in sorted(held, key=self._place(path)):
            held[name] = held.pop(name)
        with atomic_file(lock.path) as temporary:
            temporary.write_text(dumps_yaml(content), encoding="utf-8")
        self._repo.scm_context.track_file(lock.relpath)

    def _lock(self, path: str) -> Lockfile:
        return Lockfile(self._repo, os.path.splitext(path)[0] + ".lock")

    def _place(self, path: str) -> Callable[[str], int]:
        """The place of a file's stage by its name; those that are no longer there come last."""
        own = {stage.name: at for stage, at in self._order.items() if stage.path == path}
        return lambda name: own.get(name, len(self._order))

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

    def work(self, stage: Any) -> Work:
        """What is to run for a stage, in the environment that DVC gives a command."""
        variables: dict[str, str] = prepare_kwargs(stage)["env"]
        return Work(
            stage.addressing,
            self.command(stage),
            Path(stage.wdir),
            variables,
            reads=tuple(Path(dep.fs_path) for dep in stage.deps),
            writes=tuple(Path(out.fs_path) for out in stage.outs),
            anew=self._options.force,
        )

    @staticmethod
    def command(stage: Any) -> str:
        """The stage's command; several are one, each run if the one before it succeeded."""
        lines = stage.cmd if isinstance(stage.cmd, list) else stage.cmd.splitlines()
        return " && ".join(lines)

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
        one_sentence(),
        Repo(_wait_for_lock=True) as repo,
        repo.lock,
        repo.scm_context(),
    ):
        _mend_rwlock(repo)
        repo.stage_cache = RunCache(repo)
        repo.stage_cache.mend()
        graph = Graph(repo, targets, options)
        try:
            yield graph
        finally:
            graph.write_lock()
            if not options.dry:
                graph.order_lock()


def _mend_rwlock(repo: Any) -> None:
    """Remove DVC's list of who uses which path where a kill or a full disk has cut it short.

    No command of DVC's can read it then, and all of them would fail until somebody removed it.
    """
    path = Path(repo.tmp_dir) / RWLOCK_FILE
    hardlink = repo.config["core"].get("hardlink_lock", False)
    guard = make_lock(
        os.path.join(repo.tmp_dir, RWLOCK_LOCK), tmp_dir=repo.tmp_dir, hardlink_lock=hardlink
    )
    with guard:
        try:
            json.loads(path.read_bytes() if path.exists() else b"{}")
        except ValueError:
            path.unlink()
