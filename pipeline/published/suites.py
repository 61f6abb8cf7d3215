"""Checkpoint suites: a pretraining trajectory that others published, one model a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.common.config import nearest
from pipeline.errors import UserError
from pipeline.published.place import Place

_FIELDS = ("step", "label")


@dataclass(frozen=True)
class Pattern:
    """Where each checkpoint lies; ``{step}`` and ``{label}`` stand for its own.

    A repository a step (``id: google/multiberts-seed_0-step_{label}``), a revision a step
    (``revision: step{step}``) or a folder a step (``folder: checkpoint-{step}``). ``tokenizer`` and
    ``pad_token`` are those of `Place`, the same for all.
    """

    id: str
    revision: str | None = None
    folder: str | None = None
    tokenizer: str | None = None
    tokenizer_revision: str | None = None
    pad_token: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("id must name repositories of the hub, or local folders")


@dataclass(frozen=True)
class SuiteCheckpoint:
    """One checkpoint: the update it was taken at, and what names it in the pattern.

    ``label`` is needed where names are no plain step (``20k``); ``revision`` pins a commit.
    """

    step: int
    label: str | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        if self.step < 0:
            raise ValueError(f"step is {self.step}, but must be at least 0")


@dataclass(frozen=True)
class SuiteConfig:
    """The suite's checkpoints by name; none, and no pattern, where the project pretrains itself."""

    pattern: Pattern | None = None
    checkpoints: dict[str, SuiteCheckpoint] = field(default_factory=dict)

    def place(self, name: str, source: str) -> Place:
        """Where the checkpoint of that name lies.

        Raises:
            UserError: there is none, or it has no label although the pattern asks for one.
        """
        if name not in self.checkpoints:
            raise UserError(
                f"params.yaml: suite.checkpoints has no {name!r}: "
                f"{nearest(name, list(self.checkpoints))}"
            )
        assert self.pattern is not None and source in ("hub", "folder")
        pattern, own = self.pattern, self.checkpoints[name]

        def filled(text: str | None) -> str | None:
            return None if text is None else _fill(text, name, own)

        return Place(
            _fill(pattern.id, name, own),
            "hub" if source == "hub" else "folder",
            own.revision or filled(pattern.revision),
            filled(pattern.folder),
            pattern.tokenizer,
            pattern.tokenizer_revision,
            pattern.pad_token,
        )

    def check(self, source: str) -> None:
        """Check that the pattern tells all checkpoints apart.

        Raises:
            UserError: no pattern, a pattern that gives two checkpoints one place, a missing label.
        """
        if self.pattern is None or not self.checkpoints:
            raise UserError(
                f"params.yaml: trajectory.source is {source}, so suite.pattern must say where the "
                "checkpoints are and suite.checkpoints which there are"
            )
        seen: dict[tuple[str, str | None, str | None], str] = {}
        for name in self.checkpoints:
            try:
                place = self.place(name, source)
            except UserError:
                raise
            except ValueError as error:
                raise UserError(f"params.yaml: suite, checkpoint {name}: {error}") from None
            other = seen.setdefault((place.id, place.revision, place.folder), name)
            if other != name:
                raise UserError(
                    f"params.yaml: suite.pattern gives {other} and {name} the same place "
                    f"({place.describe()}): put {{step}} or {{label}} where they differ"
                )


def _fill(text: str, name: str, own: SuiteCheckpoint) -> str:
    """Replace ``{step}`` and ``{label}``; other braces stay, for nothing else is meant by them."""
    for key in _FIELDS:
        if f"{{{key}}}" in text:
            value = getattr(own, key)
            if value is None:
                raise UserError(
                    f"params.yaml: suite.pattern has {{{key}}}, but suite.checkpoints.{name} has "
                    f"no {key}"
                )
            text = text.replace(f"{{{key}}}", str(value))
    return text
