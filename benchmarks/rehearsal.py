"""A dress rehearsal of a preset on this machine: real shapes through every stage's own code.

    python -m benchmarks.rehearsal [--params presets/paper.yaml] [--out rehearsal]
        [--batch 16] [--micro-batch 8] [--rows 16] [--dims 1000 1000000]

Model, vocabulary, lengths and recipes are the preset's; only how many rows there are is cut, and
the table says so. Text is of random words, as many as the vocabulary has tokens. A part is a
process of its own; its row is printed, and put into OUT/rows.jsonl, as soon as it is there. Seconds
are of the part's work, Python's start left out; where others use the machine, those of its CPUs
tell more. What a part leaves in OUT the next one reads.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import torch

from benchmarks.gpu_session.measuring import Row
from benchmarks.gpu_session.session import rows_of
from benchmarks.memory import peak_bytes
from pipeline.backends.fairseq.convert import convert
from pipeline.common.seeds import numpy_generator
from pipeline.dimension.record import Probe
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.pretraining.run import run_segment
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.sharing.apply import apply_task
from pipeline.study.params import Params
from pipeline.study.reading import load_params
from pipeline.tasks.config import TaskDataConfig
from pipeline.tasks.prepare import prepare_task
from pipeline.text.corpus import make_corpus
from pipeline.text.files import FilesConfig
from pipeline.text.sources import RowSource, TextSource
from pipeline.text.tokenizer import make_tokenizer
from pipeline.training.device import prepare

_UPDATES = 2  # of pretraining
_MOST = 3600  # seconds that a part may take
_SENTENCE, _DOCUMENT = 20, 30  # words, and sentences
_RATE = 1e-3  # of the probes: whatever moves them
_FIGURES = ("seconds", "CPU seconds", "peak GiB")
_COLUMNS = ("part", "cut", *_FIGURES, "what came of it")


@dataclass(frozen=True)
class Rehearsal:
    """What is rehearsed, and how far it is cut.

    Attributes:
        preset: the file of the parameters.
        out: where everything goes.
        batch: rows of an update of pretraining, ``micro_batch`` of which are computed at a time.
        rows: of the task's training split, all of which are one update; as many are evaluated.
    """

    preset: Path
    out: Path
    batch: int
    micro_batch: int
    rows: int

    @cached_property
    def params(self) -> Params:
        """The preset's parameters."""
        return load_params(self.preset)

    @cached_property
    def task(self) -> str:
        """The preset's first task stands for all."""
        return next(iter(self.params.tasks))

    @property
    def finetune(self) -> FinetuneConfig:
        """The task's recipe with one epoch of one update, at one learning rate."""
        own = self.params.tasks[self.task].finetune
        return replace(own, epochs=1, batch=self.rows, learning_rates=own.learning_rates[:1])

    def places(self, name: str) -> Places:
        """Where a checkpoint is."""
        out = self.out
        return Places(
            tokenizer=out / "tokenizer", corpus=out / "corpus",
            model=out / name / "model", state=out / name / "state", scratch=out / name / "scratch",
        )  # fmt: skip

    def text(self) -> Row:
        """A vocabulary of the preset's size, and a corpus, from random words."""
        self.out.mkdir(parents=True, exist_ok=True)
        path, params = self.out / "text.txt", self.params
        words = self._words(params.tokenizer.vocab_size, "text")
        length = _SENTENCE * _DOCUMENT
        documents = [words[start : start + length] for start in range(0, len(words), length)]
        path.write_text("\n\n".join("\n".join(_sentences(one)) for one in documents) + "\n")
        assert params.corpus is not None
        sources = (TextSource(files=FilesConfig((str(path),))),)
        place = self.places("s0")
        size = make_tokenizer(params.tokenizer, sources, params.seed, place.tokenizer)
        corpus = replace(params.corpus, sources=sources)
        make_corpus(corpus, place.tokenizer, params.seed, place.corpus)
        return _row(f"{len(words):,} words of random letters", f"a vocabulary of {size:,}")

    def init(self) -> Row:
        """The model before its first update."""
        params = self.params
        prepare(params.model.width)
        optimizer = params.pretrain.recipe.optimizer
        init_checkpoint(params.model, params.seed, self.places("s0"), optimizer)
        return _row("nothing", _written(self.out / "s0"))

    def pretrain(self) -> Row:
        """Two updates, the held-out loss, and the checkpoint after them."""
        params, own = self.params, self.params.pretrain.recipe
        recipe = replace(own, batch=self.batch, micro_batch=self.micro_batch)
        device = prepare(params.model.width)
        ends = self.places("s0"), self.places("s2")
        run_segment(recipe, *ends, stop=_UPDATES, seed=params.seed, device=device)
        cut = f"{self.batch} rows of {own.length} tokens instead of {own.batch:,}"
        cut += f", {self.micro_batch} at a time instead of {own.micro_batch}"
        return _row(cut, _written(self.out / "s2"))

    def convert(self) -> Row:
        """The checkpoint as fairseq's, back again, and loaded: it must compute what it did."""
        place, other, again = self.places("s2"), self.out / "fairseq", self.out / "again"
        convert(place.model, other)
        convert(other, again, tokenizer=place.tokenizer)
        length = self.params.pretrain.recipe.length
        before, after = (_logits(folder, "MaskedLM", length) for folder in (place.model, again))
        apart = float((before - after).abs().max())
        return _row("logits of a row", f"logits at most {apart:.1e} from the checkpoint's")

    def tokenise(self) -> Row:
        """The task's rows, long enough to be cut at the preset's ``max_length``."""
        data = self.params.tasks[self.task].data
        sources = []
        for split in ("train", "eval"):
            path = self.out / f"{split}.jsonl"
            path.write_text("\n".join(map(json.dumps, self._rows(data, split))))
            sources.append((RowSource(files=FilesConfig((str(path),))),))
        own = replace(data, train=sources[0], eval=sources[1], train_rows=None, eval_rows=None)
        seed, out = self.params.seed, self.out / "task"
        made = prepare_task(self.task, own, self.places("s2").tokenizer, seed, out)
        length = made["train"]["tokens"] / made["train"]["rows"]
        return _row(f"{self.rows} rows a split", f"{length:.0f} tokens a row")

    def full(self) -> Row:
        """One update of full fine-tuning, and what is measured after it."""
        cell = self._open()
        fine_tune_fully(cell, self.finetune, self.out / "scratch", self.out / "full")
        return _row(self._cut(), f"{cell.flat.size:,} parameters trained")

    def probe(self, d: int) -> Row:
        """One update of a probe; its d numbers are kept."""
        cell = self._open()
        runner = ProbeRunner(
            cell, self.params.subspace, self.finetune, ProbeTraining(), self.out / f"probe{d}"
        )
        record = runner.run(Probe(d, 0, _RATE))
        kept = runner.vector_path(record)
        kept.replace(kept.with_name("task.safetensors"))
        return _row(self._cut(), f"{d:,} numbers trained and kept")

    def reload(self, d: int) -> Row:
        """The probe's model as a Hugging Face folder, loaded as anybody would."""
        applied = self.out / "applied"
        apply_task(self.places("s2").model, self.out / f"probe{d}/task.safetensors", applied)
        length = self.params.tasks[self.task].data.max_length
        logits = _logits(applied, "SequenceClassification", length)
        finite = "finite" if bool(logits.isfinite().all()) else "NOT finite"
        return _row("logits of a row", f"{logits.shape[1]} logits, {finite}")

    def parts(self, dims: Sequence[int]) -> dict[str, Callable[[], Row]]:
        """The parts in their order, by what the table calls them."""
        return {
            "tokenizer and corpus": self.text,
            "the model before update 1": self.init,
            f"{_UPDATES} updates of pretraining, checkpoint written": self.pretrain,
            "converted to fairseq, back, and reloaded": self.convert,
            f"task {self.task}": self.tokenise,
            "a step of full fine-tuning": self.full,
            **{f"a step of a probe at d = {d:,}": partial(self.probe, d) for d in dims},
            f"d = {dims[0]:,} applied and reloaded": partial(self.reload, dims[0]),
        }

    def _open(self) -> Cell:
        return Cell.open(
            name="s2", task=self.task, model_dir=self.places("s2").model,
            task_dir=self.out / "task", config=self.finetune, seed=self.params.seed,
        )  # fmt: skip

    def _cut(self) -> str:
        own = self.params.tasks[self.task]
        said, whole = f"{self.rows} rows of {own.data.max_length} tokens", own.finetune.batch
        return said if self.rows == whole else f"{said} instead of {whole}"

    def _words(self, count: int, *name: str) -> list[str]:
        generator = numpy_generator(self.params.seed, "rehearsal", *name)
        lengths = generator.integers(5, 10, count)
        letters = generator.integers(ord("a"), ord("z") + 1, (count, 10), dtype="uint8")
        words = zip(letters, lengths, strict=True)
        return [bytes(row[:length]).decode() for row, length in words]

    def _rows(self, data: TaskDataConfig, split: str) -> Iterator[Mapping[str, str]]:
        for index in range(self.rows):
            # A word is a token at least.
            text = " ".join(self._words(data.max_length, split, str(index)))
            named = [name for name in (data.columns.text_a, data.columns.text_b) if name]
            label = data.labels[index % len(data.labels)]
            yield {**dict.fromkeys(named, text), data.columns.label: label}


def _sentences(words: Sequence[str]) -> list[str]:
    starts = range(0, len(words), _SENTENCE)
    return [" ".join(words[start : start + _SENTENCE]).capitalize() + "." for start in starts]


def _row(cut: str, came: str) -> Row:
    return {"cut": cut, "what came of it": came}


def _written(folder: Path) -> str:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{size / 1e9:.2f} GB written"


@torch.no_grad()
def _logits(folder: Path, head: str, length: int) -> torch.Tensor:
    """What a folder's model says of a row, loaded as anybody would."""
    import transformers

    model = getattr(transformers, f"AutoModelFor{head}").from_pretrained(folder).eval()
    ids = 5 + torch.arange(length) % (model.config.vocab_size - 5)
    logits: torch.Tensor = model(ids[None]).logits
    return logits


def measured(name: str, part: Callable[[], Row]) -> Row:
    """A part's row: what it said of itself, its seconds and its process's peak so far."""
    start, worked = time.perf_counter(), time.process_time()
    said = part()
    figures = {
        "seconds": time.perf_counter() - start,
        "CPU seconds": time.process_time() - worked,
        "peak GiB": peak_bytes() / 2**30,
    }
    return {"part": name, **said, **figures}


def line(row: Row) -> str:
    """The row of the Markdown table; of a part that failed, what its process said last."""
    shown = {"what came of it": row.get("case", ""), **row}
    shown |= {key: f"{float(row[key]):.1f}" for key in _FIGURES if key in row}
    return "| " + " | ".join(str(shown.get(name, "")) for name in _COLUMNS) + " |"


def main() -> int:
    """Run the parts, each in a process of its own, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--params", type=Path, default=Path("presets/paper.yaml"))
    parser.add_argument("--out", type=Path, default=Path("rehearsal"))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--micro-batch", type=int, default=8)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--dims", type=int, nargs="+", default=[1000, 1_000_000])
    parser.add_argument("--part", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = (chosen.batch, chosen.micro_batch, chosen.rows)
    parts = Rehearsal(chosen.params, chosen.out, *sizes).parts(chosen.dims)
    if chosen.part:
        print(json.dumps(measured(chosen.part, parts[chosen.part])), flush=True)
        return 0
    if chosen.out.exists():
        print(f"error: {chosen.out} exists: remove it, or say --out", file=sys.stderr)
        return 2
    chosen.out.mkdir(parents=True)
    print("\n".join(["| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]), flush=True)
    for name in parts:
        command = [sys.executable, "-m", "benchmarks.rehearsal", *sys.argv[1:], "--part", name]
        for row in rows_of(command, _MOST, chosen.out / "log.txt"):
            with (chosen.out / "rows.jsonl").open("a") as stream:
                stream.write(json.dumps({"part": name, **row}, ensure_ascii=False) + "\n")
            print(line({"part": name, **row}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
