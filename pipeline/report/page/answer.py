"""The answer that the page begins with: does d₉₀ fall, by how much, how sure, where not and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.report.known import place
from pipeline.report.page.claims import few_known, too_small
from pipeline.report.page.traced import Source
from pipeline.report.parts import Number, Parts, rounded, whole
from pipeline.report.shown import d90_parts, interval_parts
from pipeline.report.tables import Tables
from pipeline.report.trends import LEVEL, POOLED

# Why a task has no d₉₀ at a checkpoint, as the end of a sentence.
WHY_NONE = {
    "baseline_at_chance": "full fine-tuning is no better than an answer that ignores the text",
    "target_below_chance": "an answer that ignores the text already reaches the target",
    "diverged": "training diverged",
}
_NONE_REACHED = "no training reached the target"
# What stands for the sign of a d₉₀ beyond the grid in a sentence.
_WORDS = {"above": "above ", "below": "below "}
_BEYOND = {end: f", and there only to lie {end} the grid" for end in _WORDS}


@dataclass(frozen=True)
class Answer:
    """Sentences as HTML: the answer itself, how sure it is, and the tasks that do otherwise."""

    headline: Any
    details: list[Any]


def answer(tables: Tables) -> Answer:
    """The answer for a study, whatever was measured of it."""
    cells = tables.of("trajectory")
    moved, claims = Source("movement", tables.movement), Source("trends", tables.trends)
    if cells.empty:
        return Answer(_without_trajectory(tables), [])
    told = _Told(tables, moved, claims)
    if not told.movable:
        return Answer(moved.html(told.nothing_moves()), list(told.exceptions()))
    return Answer(told.headline(), [told.how_sure(), *told.example(), *told.exceptions()])


def _without_trajectory(tables: Tables) -> str:
    if tables.cells.empty and tables.table1.empty:
        return "Nothing was measured yet."
    return (
        "No checkpoints of one pretraining were measured, so this page says how large d₉₀ is for "
        "each model and task, not how it moves."
    )


class _Told:
    """What the tables say, in sentences."""

    def __init__(self, tables: Tables, moved: Source, claims: Source) -> None:
        self._cells, self._source = tables.of("trajectory"), Source("cells", tables.cells)
        self._moved, self._claims = moved, claims
        rows = moved.frame
        self._all = rows[rows["task"] == POOLED].iloc[0]
        self._tasks = rows[rows["task"] != POOLED]
        self.movable = bool((self._tasks["direction"] != "unknown").any())
        trends = claims.frame
        self._claim = trends[(trends["claim"] == "falls") & (trends["scope"] == POOLED)].iloc[0]

    def nothing_moves(self) -> Parts:
        """No task has a d₉₀ inside the grid at two checkpoints."""
        if self._cells["model"].nunique() == 1:
            return ("One checkpoint was measured, so nothing can be said about how d₉₀ moves.",)
        if int(self._tasks["checkpoints"].sum()) == 0:
            return ("d₉₀ could not be computed for any task at any checkpoint.",)
        return (
            "No task has a d₉₀ that could be located at two checkpoints, so nothing can be said "
            "about how it moves.",
        )

    def headline(self) -> Any:
        """Whether d₉₀ falls, by the test over all tasks, and by how much."""
        verdict = self._claim["verdict"]
        if verdict == "supported":
            parts = ("d₉₀ falls along pretraining ", *self._for("falling"), *self._how_much(), ".")
        elif verdict == "contradicted":
            parts = ("d₉₀ does not fall along pretraining, it rises ", *self._for("rising"), ".")
        else:
            what = "d₉₀ inside the grid" if few_known(self._claim) else "checkpoints"
            few = f"there are too few {what} to tell a fall from chance."
            open_ = "it does not fall so consistently that chance is ruled out."
            but = few if too_small(self._claim) else open_
            lower = (f"d₉₀ is lower at {self._end()} ", *self._for("falling"))
            parts = (*lower, *self._how_much(), f"; but {but}")
        return self._moved.html(parts)

    def _for(self, which: str) -> Parts:
        """For how many of the tasks."""
        count, tasks = self._all[which], self._all["tasks"]
        if count == tasks and tasks <= 2:
            return ("for the one task" if tasks == 1 else "for both tasks",)
        if count == tasks:
            return ("for all ", *whole(self._all, "tasks"), " tasks")
        if count == 0:
            return ("for none of ", *whole(self._all, "tasks"), " tasks")
        return ("for ", *whole(self._all, which), " of ", *whole(self._all, "tasks"), " tasks")

    def _end(self) -> str:
        """Where the falling tasks have their last d₉₀."""
        steps = self._cells["step"]
        ends = [self._ends(row)[1]["step"] for _, row in self._falls().iterrows()]
        at_the_end = all(step == steps.max() for step in ends)
        return "the end of pretraining" if at_the_end else "the last checkpoint that has one"

    def _falls(self) -> pd.DataFrame:
        """The tasks whose d₉₀ falls."""
        return self._tasks[self._tasks["direction"] == "falls"]

    def _ends(self, row: pd.Series) -> tuple[pd.Series, pd.Series]:
        """The cells between which a task's d₉₀ moves."""
        own = self._cells[self._cells["task"] == row["task"]]
        first, last = (own[own["model"] == row[end]].iloc[0] for end in ("first", "last"))
        return first, last

    def _doubted(self, row: pd.Series) -> list[str]:
        """Those of the two where a larger d did worse, so that d₉₀ may not be what is claimed."""
        return [str(cell["label"]) for cell in self._ends(row) if not cell["monotone"]]

    def _sure_falls(self) -> pd.DataFrame:
        """The tasks whose d₉₀ falls between two cells that contradict nothing."""
        falls = self._falls()
        return falls.loc[[at for at, row in falls.iterrows() if not self._doubted(row)]]

    def _how_much(self) -> Parts:
        """The least and the greatest factor by which d₉₀ surely falls."""
        falls = self._sure_falls()
        sure = falls.dropna(subset=["factor_least"]).sort_values("factor_least", kind="stable")
        if sure.empty:
            return ()
        least, most = sure.iloc[0], sure.iloc[-1]
        if len(sure) == 1:
            return (", by a factor of at least ", *_factor(least), f" for {least['task']}")
        return (
            ", by a factor of at least ", *_factor(least), f" for {least['task']} and of at least ",
            *_factor(most), f" for {most['task']}",
        )  # fmt: skip

    def example(self) -> Iterator[Any]:
        """The task that falls most, with both of its ends."""
        falls = self._sure_falls()
        if falls.empty:
            return
        row = falls.sort_values("factor_least", kind="stable", ascending=False).iloc[0]
        first, last = self._ends(row)
        parts = (f"For {row['task']} d₉₀ goes from ", *_placed(first), " to ", *_placed(last), ".")
        yield self._source.html(parts)

    def how_sure(self) -> Any:
        """The test's outcome in words."""
        claim = self._claim
        if pd.isna(claim["p"]):
            return "How sure: no test is possible, because d₉₀ is the same wherever it is known."
        checkpoints = whole(claim, "units")
        rises = claim["verdict"] == "contradicted"
        chance = rounded(claim, "p_opposite" if rises else "p", ".2g")
        return self._claims.html(
            (
                "How sure: if the order of the ", *checkpoints, " checkpoints meant nothing, a "
                f"{'rise' if rises else 'fall'} at least as consistent over all tasks would come "
                "about with probability ", *chance,
                f". At {LEVEL} or less that counts as decided. A factor is counted from the nearer "
                "ends of the 95 % intervals.",
            )
        )  # fmt: skip

    def exceptions(self) -> Iterator[Any]:
        """What is otherwise with tasks that do not fall clearly, or not to the end.

        Tasks with one reason share a sentence.
        """
        told: dict[tuple[str, str], list[str]] = {}
        for _, row in self._tasks.iterrows():
            if sentence := self._exception(row):
                told.setdefault(sentence, []).append(str(row["task"]))
        for (start, rest), tasks in told.items():
            yield self._moved.html((f"{start} {_joined(tasks)}{rest}.",))
        for _, row in self._tasks.iterrows():
            if not (unknown := self._after(row)).empty:
                why = "; ".join(_why_none(unknown))
                names = _joined(unknown["label"].astype(str))
                yield self._moved.html(
                    (f"For {row['task']} nothing is known of the end, at {names}: {why}.",)
                )

    def _exception(self, row: pd.Series) -> tuple[str, str] | None:
        """Why a task is no clear case of a fall: a sentence before and after its name."""
        if row["direction"] == "unknown":
            return "Not so for", f": {self._no_movement(row)}"
        if row["direction"] in ("rises", "stays"):
            same = "d₉₀ is the same at the first and the last checkpoint"
            return "Not so for", ": " + ("d₉₀ rises" if row["direction"] == "rises" else same)
        if doubted := self._doubted(row):
            return "In doubt for", (
                f" at {_joined(doubted)}: a larger d did worse there than a smaller one by more "
                "than noise explains"
            )
        if not row["apart"]:
            return "Not clearly so for", (
                ": d₉₀ is lower at the end, but the 95 % intervals of the first and the last "
                "checkpoint with a d₉₀ overlap"
            )
        return None

    def _after(self, row: pd.Series) -> pd.DataFrame:
        """The cells after the last d₉₀ of a task that moves, in order; none of another task."""
        if row["direction"] == "unknown":
            return self._cells.iloc[:0]
        own = self._cells[self._cells["task"] == row["task"]].sort_values("step")
        after: pd.DataFrame = own[own["step"] > self._ends(row)[1]["step"]]
        return after

    def _no_movement(self, row: pd.Series) -> str:
        own = self._cells[self._cells["task"] == row["task"]]
        why = _why_none(own)
        if int(row["checkpoints"]) == 0:
            return f"there is no d₉₀ at any checkpoint, because {'; '.join(why)}"
        if int(row["checkpoints"]) == 1:
            because = f", because {'; '.join(why)}" if why else ""
            only = own[own["model"] == row["first"]].iloc[0]
            beyond = _BEYOND.get(place(only) or "", "")
            return f"d₉₀ is known at {row['first']} alone{beyond}{because}"
        return "d₉₀ lies beyond the same end of the grid at the first and the last checkpoint"


def _why_none(cells: pd.DataFrame) -> list[str]:
    """Why some of a task's cells have no d₉₀, each reason once."""
    without = [row["status"] for _, row in cells.iterrows() if place(row) in (None, "open")]
    return [WHY_NONE.get(status, _NONE_REACHED) for status in dict.fromkeys(without)]


def _placed(cell: pd.Series) -> Parts:
    """A cell's d₉₀ with its interval and the step that it is at."""
    step = Number(cell.name, "step", f"{cell['step']:,}")
    between = () if cell["status"] != "ok" else (" (95 %: ", *interval_parts(cell), ")")
    word = _WORDS.get(place(cell) or "", "")
    at = f" at {str(cell['unit']).removesuffix('s')} "
    # Without the sign, which the word stands for.
    return (word, *d90_parts(cell)[-1:], *between, at, step)


def _joined(names: Iterable[object]) -> str:
    """Names as in a sentence: a, b and c."""
    *before, last = map(str, names)
    return f"{', '.join(before)} and {last}" if before else last


def _factor(row: pd.Series) -> Parts:
    value = float(row["factor_least"])
    text = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
    return (Number(row.name, "factor_least", text),)
