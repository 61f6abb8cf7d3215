"""Both measurements of a cell through real training, at a size where it takes seconds."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline.common.artifacts import read_json
from pipeline.common.status import Status
from pipeline.dimension.grid import GridConfig
from pipeline.dimension.record import Ending, Probe
from pipeline.errors import UserError
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.result import FullResult
from pipeline.probes import probe
from pipeline.probes.config import SearchConfig
from pipeline.probes.neighbour import Neighbour
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.probes.result import SearchResult
from pipeline.probes.search import search_cell
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.task_vector import load_task_vector
from tests.worlds import FINETUNE, open_cell, task_config

SAID = SearchConfig(GridConfig(8, 2048, 4.0), fraction=0.7, rates=(0.35,), epochs=12)
SUBSPACE = SubspaceConfig()


@pytest.fixture(scope="module")
def baseline(world: Path, tmp_path_factory: pytest.TempPathFactory) -> FullResult:
    folder = tmp_path_factory.mktemp("baseline")
    config = replace(FINETUNE, epochs=8)
    return fine_tune_fully(
        open_cell(world, "polarity_short"), config, folder / "scratch", folder / "out"
    )


def search(
    world: Path,
    root: Path,
    baseline: FullResult,
    config: SearchConfig = SAID,
    neighbour: Neighbour | None = None,
) -> SearchResult:
    return search_cell(
        open_cell(world, "polarity_short"),
        search=config,
        subspace=SUBSPACE,
        finetune=FINETUNE,
        full=baseline,
        neighbour=neighbour,
        scratch=root / "scratch",
        out=root / "out",
    )


@pytest.fixture(scope="module")
def found(
    world: Path, baseline: FullResult, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, SearchResult]:
    """The search of a folder, for all who only look at it."""
    folder = tmp_path_factory.mktemp("found")
    return folder, search(world, folder, baseline)


def test_baseline_learns_and_records(world: Path, baseline: FullResult) -> None:
    assert baseline.status == "ok"
    assert baseline.full_metric > 0.8
    assert baseline.chance == 0.5
    assert 0.5 < baseline.train_metric <= 1
    assert baseline.learning_rate in FINETUNE.learning_rates
    assert baseline.cost.runs == 2 and baseline.cost.tokens > 0


def test_baseline_reports_the_best_epoch_of_the_best_rate(world: Path, tmp_path: Path) -> None:
    result = fine_tune_fully(open_cell(world, "polarity_short"), FINETUNE, tmp_path, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "epochs.jsonl").read_text().splitlines()]
    assert len(rows) == FINETUNE.epochs * len(FINETUNE.learning_rates)
    assert result.full_metric == max(row["metric"] for row in rows)
    same = [row for row in rows if row["metric"] == result.full_metric]
    assert (result.learning_rate, result.best_epoch) in {
        (row["learning_rate"], row["epoch"]) for row in same
    }


def test_two_measurements_give_the_same_bytes(
    world: Path, tmp_path: Path, baseline: FullResult, found: tuple[Path, SearchResult]
) -> None:
    torch.manual_seed(1)
    search(world, tmp_path, baseline)
    for file in ("result.json", "answer.json", "trials.jsonl", "task.safetensors"):
        assert (tmp_path / "out" / file).read_bytes() == (found[0] / "out" / file).read_bytes()


def test_said_finds_a_dimension_below_d(
    baseline: FullResult, found: tuple[Path, SearchResult]
) -> None:
    folder, result = found
    trials = [json.loads(line) for line in (folder / "out/trials.jsonl").read_text().splitlines()]
    assert result.status == "ok" and 8 <= result.d90 <= 2048
    assert result.eval_metric >= result.target == pytest.approx(0.7 * baseline.full_metric)
    reached = {row["d"]: row["reached"] for row in trials if row["seed"] == 0}
    assert result.task_d == result.d90_paper and reached[result.task_d]
    if result.lower is not None:
        assert not reached[result.lower]
    assert 8 <= result.d90_low <= result.d90 <= result.d90_high <= 2048
    assert result.protocol == "efficient" and result.rate == 0.35
    assert [text for text in result.deviations if "not every rate is tried" not in text] == []
    assert result.probes == len(trials) and result.layers == 4


@pytest.mark.parametrize("multiple", [0.1, 1.6])
def test_a_neighbours_rate_is_carried_over_d_by_the_normalisations_power(
    world: Path, tmp_path: Path, baseline: FullResult, multiple: float
) -> None:
    config = replace(SAID, grid=GridConfig(128, 2048, 16.0), rates=(0.1, 0.4, 1.6))
    near = Neighbour("s0", "polarity_short", Status.OK, 128, math.log10(multiple))
    search(world, tmp_path, baseline, config, near)
    first = json.loads((tmp_path / "out/trials.jsonl").read_text().splitlines()[0])
    size = open_cell(world, "polarity_short").flat.size
    assert SUBSPACE.normalisation == "entry" and first["d"] == 128
    assert first["learning_rate"] == pytest.approx(
        multiple * baseline.learning_rate * math.sqrt(size / 128)
    )


def test_the_saved_numbers_are_the_fine_tuned_model(
    world: Path, found: tuple[Path, SearchResult]
) -> None:
    from pipeline.finetuning.evaluation import predict

    folder, result = found
    cell = open_cell(world, "polarity_short")
    vector = load_task_vector(folder / "out/task.safetensors")
    assert len(vector.vector) == result.task_d
    vector.apply(cell.flat, cell.inputs["checkpoint"])
    right = predict(cell.network, cell.data.eval, FINETUNE.batch) == cell.data.eval.labels
    assert right.mean() == result.eval_metric


def test_results_are_read_as_they_were_written(found: tuple[Path, SearchResult]) -> None:
    folder, result = found
    assert SearchResult.read(folder / "out/result.json") == result
    answer = Neighbour.read_of(folder / "out/answer.json", "s0", "polarity_short")
    assert (answer.model, answer.status, answer.d90) == ("s0", Status.OK, result.d90)
    assert answer.rate == pytest.approx(math.log10(result.rate))
    assert answer.habits is not None and answer.near().d90 == result.d90
    with pytest.raises(UserError, match="is the result of s0 and polarity_short, not of s0 and"):
        Neighbour.read_of(folder / "out/answer.json", "s0", "paraphrase")


def test_another_rule_takes_from_the_journal_what_it_would_train(
    world: Path, tmp_path: Path
) -> None:
    def runner(scratch: str) -> ProbeRunner:
        cell = open_cell(world, "polarity_short")
        return ProbeRunner(cell, SUBSPACE, FINETUNE, ProbeTraining(epochs=3), tmp_path / scratch)

    def second(reason: Ending):
        return lambda curve: reason if len(curve) == 2 else None

    made = runner("a").run(Probe(64, 0, 1e-2), second(Ending.REACHED))
    again = runner("a").run(Probe(64, 0, 1e-2), second(Ending.HOPELESS))
    assert made.ended is Ending.REACHED and again == replace(made, ended=Ending.HOPELESS)
    assert again == runner("b").run(Probe(64, 0, 1e-2), second(Ending.HOPELESS))
    assert runner("a").known(Probe(64, 0, 1e-2)) is None


def test_bfloat16_moves_the_curve_a_little_and_its_identity(world: Path, tmp_path: Path) -> None:
    rows = []
    for precision in ("fp32", "bf16"):
        finetune = replace(FINETUNE, precision=precision)
        cell = open_cell(world, "polarity_short", finetune)
        training = ProbeTraining(epochs=4)
        runner = ProbeRunner(cell, SUBSPACE, finetune, training, tmp_path / precision)
        rows.append(runner.run(Probe(512, 0, 1e-2)))
        assert cell.flat.values.dtype == torch.float32
        assert load_task_vector(runner.vector_path(rows[-1])).vector.dtype == torch.float32
    whole, half = rows
    assert half.curve == pytest.approx(whole.curve, abs=0.03)
    assert half.identity != whole.identity


def test_bfloat16_computes_with_the_weights_of_now(world: Path) -> None:
    cell = open_cell(world, "polarity_short", replace(FINETUNE, precision="bf16"))
    ids = torch.arange(5, 13).unsqueeze(0)
    before = cell.network(input_ids=ids).logits
    with torch.no_grad():
        cell.flat.values.mul_(2)
        assert before.dtype == torch.bfloat16
        assert not torch.equal(cell.network(input_ids=ids).logits, before)


class Killed(BaseException):
    """Stands in for a kill."""


@pytest.mark.parametrize("after", [0, 1])
def test_a_killed_search_resumes_and_repeats_no_probe(
    world: Path,
    tmp_path: Path,
    baseline: FullResult,
    found: tuple[Path, SearchResult],
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    folder, whole = found
    runs, original = 0, probe.fine_tune

    def counted(*arguments, **options):
        nonlocal runs
        runs += 1
        if runs == after + 1:
            raise Killed
        return original(*arguments, **options)

    monkeypatch.setattr(probe, "fine_tune", counted)
    with pytest.raises(Killed):
        search(world, tmp_path / "torn", baseline)
    assert not (tmp_path / "torn/out").exists()
    assert search(world, tmp_path / "torn", baseline) == whole
    assert runs == whole.probes + 1
    for file in ("result.json", "answer.json", "trials.jsonl", "task.safetensors"):
        assert (folder / "out" / file).read_bytes() == (tmp_path / "torn/out" / file).read_bytes()


@pytest.mark.parametrize("change", ["altered", "missing", "swapped"])
def test_a_kept_vector_that_is_not_the_one_of_its_row_is_trained_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    def runner() -> ProbeRunner:
        cell = open_cell(world, "polarity_short")
        return ProbeRunner(cell, SUBSPACE, FINETUNE, ProbeTraining(epochs=1), tmp_path)

    made, other = (runner().run(Probe(64, seed, 1e-2)) for seed in range(2))
    kept, content = runner().vector_path(made), runner().vector_path(made).read_bytes()
    if change == "altered":
        kept.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif change == "missing":
        kept.unlink()
    else:
        kept.write_bytes(runner().vector_path(other).read_bytes())
    runs, original = [], probe.fine_tune
    monkeypatch.setattr(probe, "fine_tune", lambda *a, **k: runs.append(1) or original(*a, **k))
    again = runner()
    assert again.run(other.probe) == other and runs == []
    assert again.run(made.probe) == made and runs == [1]
    assert kept.read_bytes() == content
    assert runner().run(made.probe) == made and runs == [1]


@pytest.mark.parametrize("what", ["stack", "code_hash"])
def test_what_other_code_or_another_torch_trained_is_trained_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The kept d numbers too: their file has the identity of the training for its name."""
    cell = open_cell(world, "polarity_short")
    runner = ProbeRunner(cell, SUBSPACE, FINETUNE, ProbeTraining(epochs=1), tmp_path)
    made = runner.run(Probe(64, 0, 1e-2))
    assert runner.known(made.probe) == made
    monkeypatch.setattr(probe, what, lambda *_: "another")
    assert runner.known(made.probe) is None
    assert runner.vector_path(replace(made, identity=runner.identity(made.probe))) != (
        runner.vector_path(made)
    )


def test_another_resolution_reads_the_journal(
    world: Path,
    tmp_path: Path,
    baseline: FullResult,
    found: tuple[Path, SearchResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, first = found
    shutil.copytree(folder / "scratch", tmp_path / "scratch")
    runs, original = [], probe.fine_tune
    monkeypatch.setattr(probe, "fine_tune", lambda *a, **k: runs.append(1) or original(*a, **k))
    finer = replace(SAID, grid=GridConfig(8, 2048, 2.0))
    second = search(world, tmp_path, baseline, finer)
    assert len(runs) < second.probes
    assert first.d_max == second.d_max


def statuses() -> dict[str, dict]:
    return {
        "not_reached": {"full_metric": 1.0, "fraction": 1.0, "grid": GridConfig(8, 9)},
        "baseline_at_chance": {"full_metric": 0.5},
        "target_below_chance": {"full_metric": 0.6},
        "diverged": {"full_metric": 1.0, "rates": (1e30,), "grid": GridConfig(8, 9)},
    }


@pytest.mark.parametrize("status", statuses())
def test_every_status_is_a_result(
    world: Path, tmp_path: Path, baseline: FullResult, status: str
) -> None:
    changes = statuses()[status]
    full = replace(baseline, full_metric=changes.pop("full_metric"))
    result = search(world, tmp_path, full, replace(SAID, **changes))
    assert result.status == Status(status) and result.d90 is None
    assert result.reason
    assert read_json(tmp_path / "out/result.json")["status"] == status
    assert not (tmp_path / "out/task.safetensors").exists()


def test_a_diverged_baseline_is_a_result_too(world: Path, tmp_path: Path) -> None:
    config = replace(FINETUNE, learning_rates=(1e30,))
    result = fine_tune_fully(open_cell(world, "polarity_short"), config, tmp_path, tmp_path)
    assert result.status == "diverged" and result.full_metric is None
    assert search(world, tmp_path / "said", result).status == "diverged"


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (GridConfig(4), "minimum is 4, but must be above the 4 layers"),
        (GridConfig(8, 10**7), "maximum is 10000000, above the model's D"),
    ],
)
def test_a_grid_outside_the_model_is_refused(
    world: Path, tmp_path: Path, baseline: FullResult, grid: GridConfig, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        search(world, tmp_path, baseline, replace(SAID, grid=grid))
    assert not (tmp_path / "out").exists()


def test_another_tokenizer_is_refused(world: Path, tmp_path: Path) -> None:
    from pipeline.tasks.prepare import prepare_task
    from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
    from tests.pretraining.conftest import SOURCES

    make_tokenizer(TokenizerConfig(vocab_size=400), SOURCES, 0, tmp_path / "tokenizer")
    prepare_task(
        "other", task_config("polarity_short"), tmp_path / "tokenizer", 0, tmp_path / "other"
    )
    from pipeline.finetuning.cell import Cell

    with pytest.raises(UserError, match="different tokenizers"):
        Cell.open(
            name="s0", task="other", model_dir=world / "model", task_dir=tmp_path / "other",
            config=FINETUNE, seed=0, device=torch.device("cpu"),
        )  # fmt: skip
