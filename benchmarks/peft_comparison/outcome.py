"""What PEFT's script wrote down of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.common.artifacts import read_json

# Of the branch main, of other branches, and of experiments that were stopped.
_RESULTS = ("results", "temporary_results", "cancelled_results")
TABLE = (
    "| experiment | numbers | test accuracy | forgetting | file, KiB | training, s | memory, GiB |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Outcome:
    """An experiment; ``trained`` is None where the script wrote nothing.

    Attributes:
        name: its path.
        error: why it did not finish; empty where it did.
        trained: numbers that ask for a gradient.
        accuracy: on the test set.
        forgetting: by how much the loss on other text rose, in nats a token.
        file: of the adapter, in bytes.
        seconds: of training.
        memory: the most that was reserved, in bytes.
    """

    name: str
    error: str
    trained: int | None = None
    accuracy: float | None = None
    forgetting: float | None = None
    file: int = 0
    seconds: float = 0.0
    memory: int = 0

    @property
    def finished(self) -> bool:
        """Whether there is a test accuracy."""
        return not self.error and self.accuracy is not None

    def row(self) -> str:
        """A line of `TABLE`."""
        if not self.finished or self.accuracy is None:
            return f"| {self.name} | {self.error} | | | | | |"
        lost = "" if self.forgetting is None else f"{self.forgetting:.3f}"
        return (
            f"| {self.name} | {self.trained:,} | {self.accuracy:.3f} | {lost} | "
            f"{self.file / 2**10:,.1f} | {self.seconds:,.0f} | {self.memory / 2**30:.1f} |"
        )


def outcome_of(scripts: Path, name: str, since: float) -> Outcome:
    """Read what the script wrote of an experiment after a moment, in seconds of the clock."""
    stem = name.removeprefix("experiments/").replace("/", "--")
    files = [path for folder in _RESULTS for path in (scripts / folder).glob(f"{stem}*.json")]
    new = [path for path in files if path.stat().st_mtime >= since]
    if not new:
        return Outcome(name, "the script wrote no result: see what it said above")
    found = read_json(max(new, key=lambda path: path.stat().st_mtime))
    train = found["train_info"]
    if train["status"] != "success":
        return Outcome(name, found["run_info"]["error_msg"] or train["status"])
    last = train["metrics"][-1]
    return Outcome(
        name, "", train["num_trainable_params"], last["test accuracy"], last.get("forgetting"),
        train["file_size"], train["train_time"], train["accelerator_memory_max"],
    )  # fmt: skip
