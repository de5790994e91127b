"""The report in a real browser: wide and narrow, light and dark, with and without scripts."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browser, chromium
from made_up_run import configuration, make

from monoglot.graph import Graph
from monoglot.report.page import render

pytestmark = pytest.mark.skipif(
    not chromium(), reason="no Chromium: install it, or name it by the variable CHROMIUM"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """A report of both models in three languages, with published numbers."""
    config = configuration("config.yaml")
    results = make(config, tmp_path_factory.mktemp("run"))
    file = results / "report.html"
    file.write_text(render(Graph(config), results), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


WIDTHS = """[...document.querySelectorAll("main *")]
  .filter(e => !e.closest(".scroll, pre, .sr, svg"))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.outerHTML.slice(0, 90))"""
COLUMN = (
    """[...document.querySelectorAll("#table-table1 tbody tr")].map(r => r.cells[3].dataset.sort)"""
)
ORDER = """[...document.querySelectorAll("#table-table1 tbody th")].map(h => h.textContent)"""
SORTED = """document.querySelectorAll("#table-table1 thead tr:last-child th")[3].ariaSort"""
BUTTON = "#table-table1 thead tr:last-child th:nth-child(4) button"


@pytest.mark.parametrize("width", [1280, 768, 360, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_fetches_nothing(report, page, width, scheme):
    page.said.clear()
    page.requests.clear()
    page.open(report, width, prefers_color_scheme=scheme)
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.run("innerWidth") == width
    assert page.run(WIDTHS) == []
    picture = page.picture()
    assert len(picture) > 50_000
    if folder := os.environ.get("MONOGLOT_SCREENSHOTS"):
        Path(folder, f"report-{width}-{scheme}.png").write_bytes(picture)
    assert page.said == []
    assert {url.partition(":")[0] for url in page.requests} <= {"file", "data"}
    assert len([url for url in page.requests if url.startswith("file")]) == 1


def test_a_click_sorts_and_the_third_restores(report, page):
    page.open(report)
    before = page.run(ORDER)
    page.click(BUTTON)
    assert page.run(SORTED) == "ascending"
    values = [float(one) for one in page.run(COLUMN)]
    assert values == sorted(values)
    page.click(BUTTON)
    assert page.run(SORTED) == "descending"
    assert [float(one) for one in page.run(COLUMN)] == sorted(values, reverse=True)
    page.click(BUTTON)
    assert page.run(SORTED) is None
    assert page.run(ORDER) == before


def test_the_keyboard_sorts(report, page):
    page.open(report)
    page.run(f"document.querySelector({BUTTON!r}).focus()")
    page.key("Enter", 13)
    assert page.run(SORTED) == "ascending"
    page.key("Tab", 9)
    assert page.run("document.activeElement.textContent.trim()").endswith("SA")


def test_the_first_stop_leads_past_the_contents(report, page):
    page.open(report)
    page.key("Tab", 9)
    assert page.run("document.activeElement.hash") == "#main"
    assert page.run("document.activeElement.getBoundingClientRect().left >= 0")


def test_a_choice_hides_the_deviation(report, page):
    shown = "getComputedStyle(document.querySelector('#table-table1 .std')).display"
    page.open(report, script=False)
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.run(shown) == "block"
    page.click("#table1-std")
    assert page.run(shown) == "none"


def test_without_scripts_everything_can_be_read(report, page):
    page.open(report)
    said = page.run("document.querySelector('main').innerText.replace(/\\s+/g, ' ')")
    page.open(report, script=False)
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.run("document.querySelectorAll('th button').length") == 0
    assert page.run("document.querySelector('main').innerText.replace(/\\s+/g, ' ')") == said
