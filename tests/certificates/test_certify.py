"""The certificates of a real small cell: what is written is what is certified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.certificates.certify import Certifier
from pipeline.certificates.code import decode
from pipeline.certificates.config import CertificateConfig
from pipeline.certificates.result import CertificateResult
from pipeline.certificates.rows import distinct
from pipeline.common.status import Status
from pipeline.dimension.grid import GridConfig
from pipeline.errors import UserError
from pipeline.finetuning.evaluation import predict
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import Cost, FullResult
from pipeline.probes.config import SearchConfig
from pipeline.probes.result import SearchResult
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.task_vector import load_task_vector
from tests.worlds import FINETUNE, open_cell

SEARCH = SearchConfig(GridConfig(8, 2048, 4.0), rates=(0.35,), epochs=4)
CONFIG = CertificateConfig(d=(64, 300, 10**6), levels=(3, 5), epochs=1)
SUBSPACE = SubspaceConfig()


def full() -> FullResult:
    return FullResult(
        model="s0", task="polarity_short", step=0, metric="accuracy", chance=0.5, chance_error=0.02,
        status=Status.OK, reason="", parameters=9000, cost=Cost(1, 1, 1.0), inputs={},
        learning_rate=1e-2, full_metric=0.95,
    )  # fmt: skip


def certifier(
    world: Path, scratch: Path, finetune: FinetuneConfig = FINETUNE
) -> tuple[Certifier, SearchResult]:
    cell = open_cell(world, "polarity_short")
    made = Certifier.of(
        cell, search=SEARCH, subspace=SUBSPACE, finetune=finetune, full=full(), config=CONFIG,
        scratch=scratch,
    )  # fmt: skip
    found = SearchResult(
        model="s0", task="polarity_short", step=0, metric="accuracy", chance=0.5, full_metric=0.95,
        method="said", projection="fastfood", normalisation="entry", fraction=0.9,
        target_kind="fraction", protocol="efficient", deviations=(), target=0.855, d_min=8,
        d_max=2048, layers=4, status=Status.OK, reason="", probes=1, cost=Cost(1, 1, 1.0),
        inputs=cell.inputs, task_d=32, rate=0.35,
    )  # fmt: skip
    return made, found


@pytest.fixture(scope="module")
def certified(
    world: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, CertificateResult, Certifier]:
    folder = tmp_path_factory.mktemp("certified")
    made, found = certifier(world, folder / "scratch")
    return folder, made.certify(found, folder / "out"), made


def test_every_candidate_of_the_table_that_fits_is_tried(
    certified: tuple[Path, CertificateResult, Certifier],
) -> None:
    _, result, made = certified
    tried = [(one.d, one.levels) for one in result.candidates]
    assert tried == [(d, levels) for d in (32, 64, 300) for levels in (3, 5)]
    # Five d of the grid and three of the table, with two levels each: none was ruled out before.
    assert result.choices == 2 * len({*made.question.grid, 64, 300, 10**6})
    assert result.status is Status.OK and result.rows + result.duplicates == 480


def test_the_bound_is_above_the_errors_and_pays_for_bits(
    certified: tuple[Path, CertificateResult, Certifier],
) -> None:
    _, result, _ = certified
    bounds = [result.certificate(one) for one in result.candidates]
    assert result.best == min(range(len(bounds)), key=lambda place: bounds[place].bound)
    for candidate, bound in zip(result.candidates, bounds, strict=True):
        assert candidate.train_error < bound.bound <= bound.hoeffding <= 1
        assert bound.bits > candidate.code > candidate.d


def test_the_file_is_the_model_that_was_tried(
    certified: tuple[Path, CertificateResult, Certifier],
) -> None:
    folder, result, made = certified
    assert CertificateResult.read(folder / "out") == result
    best, cell = result.candidates[result.best or 0], made.runner.cell
    vector = load_task_vector(folder / "out/task.safetensors")
    code = decode((folder / "out/code.bin").read_bytes(), best.d)
    assert vector.vector.codes.equal(code.codes) and vector.vector.codebook.equal(code.codebook)
    cell.reset()
    vector.apply(cell.flat, cell.inputs["checkpoint"])
    rows = cell.data.train.take(distinct(cell.data.train))
    for split, error in ((rows, best.train_error), (cell.data.eval, best.eval_error)):
        assert float((predict(cell.network, split, 16) != split.labels).mean()) == error


def test_any_change_of_the_file_is_refused(
    certified: tuple[Path, CertificateResult, Certifier], tmp_path: Path
) -> None:
    folder, _, _ = certified
    content = (folder / "out/code.bin").read_bytes()
    (tmp_path / "result.json").write_bytes((folder / "out/result.json").read_bytes())
    flipped = (
        content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]
        for bit in range(8 * len(content))
    )
    for other in (*flipped, content[:-1], content + b"\0", b""):
        (tmp_path / "code.bin").write_bytes(other)
        with pytest.raises(
            UserError, match=r"code.bin is missing, truncated or altered.*pipeline heal"
        ):
            CertificateResult.read(tmp_path)


def test_a_second_run_trains_nothing_in_subspaces_and_ends_in_the_same_bytes(
    world: Path, certified: tuple[Path, CertificateResult, Certifier], tmp_path: Path
) -> None:
    folder, result, _ = certified
    made, found = certifier(world, folder / "scratch")
    journal = (folder / "scratch/probes.jsonl").read_bytes()
    assert made.certify(found, tmp_path) == result
    assert (folder / "scratch/probes.jsonl").read_bytes() == journal
    for name in ("result.json", "code.bin", "task.safetensors"):
        assert (tmp_path / name).read_bytes() == (folder / "out" / name).read_bytes()


def test_repeated_rows_count_once(world: Path) -> None:
    train = open_cell(world, "polarity_short").data.train
    twice = train.take(np.array([4, 2, 4, 7, 2]))
    assert distinct(twice).tolist() == [0, 1, 3]


def test_what_breaks_down_has_no_certificate(world: Path, tmp_path: Path) -> None:
    made, found = certifier(world, tmp_path / "scratch")
    question = replace(made.question, rates=replace(made.question.rates, unit=1e30))
    result = replace(made, question=question).certify(found, tmp_path / "out")
    assert (result.status, result.best) == (Status.DIVERGED, None)
    assert CertificateResult.read(tmp_path / "out") == result
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["result.json"]
