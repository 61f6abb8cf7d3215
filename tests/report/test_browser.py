"""The page in a real browser: hovered, toggled, opened and sorted; quiet and without a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.sealed import write_jsonl
from pipeline.report.beyond import Cells
from pipeline.report.page import write_page
from pipeline.report.provenance import Provenance
from pipeline.report.style import ReportConfig
from pipeline.report.tables import collect
from tests.report.conftest import CELLS, write_certificates, write_results
from tests.report.spaces import write_spaces

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("browser")
    results = write_results(folder / "results")
    log = [{"step": 5, "loss": 3.25, "learning_rate": 0.001}, {"step": 10, "valid_loss": 3.125}]
    write_jsonl(results / "pretraining/s10.jsonl", log, ["s10"])
    further = Cells(certified=write_certificates(results), spaces=write_spaces(results))
    tables = collect(results, CELLS, [], ["s10"], further)
    path = folder / "index.html"
    write_page(tables, Provenance("", "", {}, ""), path, config=ReportConfig())
    return path.as_uri()


class Visit:
    """An opened page, and everything that it said or asked for."""

    def __init__(self, browser: Any, address: str, width: int, scheme: str) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda asked: self.requests.append(asked.url))
        self.page.goto(address)
        self.drawn(1)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def drawn(self, times: int) -> None:
        """Wait until all charts were drawn so many times."""
        self.page.wait_for_function(
            "count => Number(document.documentElement.dataset.drawn) >= count", arg=times
        )

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())


@pytest.fixture(params=[(1280, "light"), (400, "dark")], ids=["1280 light", "400 dark"])
def visit(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Visit]:
    opened = Visit(browser, address, *request.param)
    yield opened
    # Whatever was done: nothing was complained of, and nothing but the file itself was asked for.
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith(("data:", "blob:"))] == [address]
    opened.context.close()


POINT = "[aria-roledescription='point']"
MARKS = "#trajectory .mark-symbol path"


def test_the_page_answers_to_a_reader(visit: Visit) -> None:
    page = visit.page
    # Nothing is wider than the window but tables, which scroll inside.
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]

    page.locator(f"{MARKS}[aria-roledescription='point']").first.hover()
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    told = tip.inner_text()
    assert "easy" in told and "2,048" in told and "1,024 – 4,096" in told and "0.8000" in told
    page.mouse.move(0, 0)

    before = visit.count(MARKS)
    page.get_by_role("checkbox", name="easy").uncheck()
    visit.drawn(2)
    assert 0 < visit.count(MARKS) < before
    assert visit.count("#generalization .mark-symbol path") > 0
    page.get_by_role("checkbox", name="easy").check()
    visit.drawn(3)
    assert visit.count(MARKS) == before
    for number, name in enumerate(("linear", "tokens", "logarithmic"), start=4):
        page.get_by_role("radio", name=name).last.check()
        visit.drawn(number)
    assert "pretraining tokens" in page.locator("#trajectory .role-axis-title").all_text_contents()


def test_keys_do_what_the_pointer_does(visit: Visit) -> None:
    page = visit.page
    # One point of a chart is reached by Tab, and the others from it.
    assert visit.count(f"#trajectory {POINT}[tabindex='0']") == 1
    assert visit.count(f"#trajectory {POINT}") > 4
    page.locator(f"#trajectory {POINT}[tabindex='0']").focus()
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    walked = [tip.inner_text()]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        assert (
            page.evaluate("document.activeElement.getAttribute('aria-roledescription')") == "point"
        )
        walked.append(tip.inner_text())
    assert len(set(walked)) == 4
    page.keyboard.press("ArrowLeft")
    assert tip.inner_text() == walked[2]
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('cell').open")
    opened = page.locator("#cell-title").inner_text()
    assert opened.split(" at ")[0] in walked[2] and opened.split(" at ")[1] in walked[2]


def test_legends_are_whole(visit: Visit) -> None:
    assert visit.count("#taskspaces .role-legend-label text") >= 8
    cut = visit.page.evaluate(
        """() => [...document.querySelectorAll(".chart .role-legend-label text")].filter((text) => {
            const drawn = text.closest("svg").getBoundingClientRect();
            return text.textContent.includes("…") || text.getBoundingClientRect().right > drawn.right;
        }).map((text) => text.textContent)"""
    )
    assert cut == []


def test_a_sheet_of_paper_is_wide_enough(browser: Any, address: str) -> None:
    """Tables cannot scroll there: the widest one would shrink all else."""
    opened = Visit(browser, address, 718, "light")  # A4 less its margins
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 718
    opened.context.close()


def test_the_table_sorts_filters_and_opens(visit: Visit) -> None:
    page = visit.page
    column = "#cells-table tbody tr:not([hidden]) td:nth-child(5)"
    heading = page.locator("#cells-table thead th:nth-child(5)")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    texts = page.locator(column).all_inner_texts()
    assert texts[:3] == ["32", "128", "512"] and texts[-1] == "–" and "> 4,096" in texts[5:9]
    heading.get_by_role("button").click()
    assert page.locator(column).all_inner_texts()[0] != "32"

    page.locator("#filter").fill("EASY")
    assert visit.count("#cells-table tbody tr:not([hidden])") == 4
    assert page.locator("#shown").inner_text() == "4 of 12 cells"

    page.get_by_role("button", name="Open easy at s10", exact=True).press("Enter")
    page.wait_for_function("document.getElementById('cell-body').dataset.drawn == 's10/easy'")
    body = page.locator("#cell").inner_text()
    assert "easy at s10" in body and "512; 95 % interval 256 – 1,024" in body
    assert "reached the target" in body and "had all of its epochs and missed" in body
    assert visit.count("#cell .chart svg") >= 3 and visit.count("#cell tbody tr") == 2
    page.keyboard.press("Escape")
    assert not page.locator("#cell").is_visible()


def test_without_script_the_drawings_and_tables_are_there(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("#trajectory .chart svg").is_visible()
    assert not page.locator(".controls").is_visible()
    assert page.locator("#cells-table tbody tr").count() == 12
    context.close()


def test_hostile_names_run_nothing(browser: Any, tmp_path: Path, monkeypatch) -> None:
    from tests.report.big import study
    from tests.report.test_page_cases import HOSTILE

    tables = study(
        tmp_path, monkeypatch, checkpoints=2, tasks=HOSTILE, probes=1, label=HOSTILE[0] + "{}"
    )
    path = tmp_path / "index.html"
    write_page(tables, Provenance("", "", {}, ""), path, config=ReportConfig())
    opened = Visit(browser, path.as_uri(), 1280, "light")
    opened.page.on("dialog", lambda dialog: opened.errors.append("a script ran"))
    opened.page.locator("#cells-table button.open").first.click()
    title = opened.page.locator("#cell-title")
    assert title.inner_text() == f"{HOSTILE[0]} at {HOSTILE[0]}0"
    assert opened.errors == []
    opened.context.close()
