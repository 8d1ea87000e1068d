"""The page in a real browser: Chromium without a window, as Debian has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.report import reading
from bench.report.formats import html, index
from tests.bench.report.big import big
from tests.bench.report.hostile import hostile
from tests.bench.results.given import given
from tests.browser import NARROW, WIDE, Browser, needed
from tests.golden import changes
from tests.golden.specimen import specimen

render = given(html.render)
view_of = given(reading.view_of)

pytestmark = needed


def names_of(browser: Browser) -> list[str]:
    """The benchmarks that are shown, from the top."""
    found = browser.do(
        "return [...document.querySelectorAll('#c1 tbody.benchmark')]"
        ".filter(one => one.offsetParent !== null).map(one => one.dataset.name)"
    )
    return [str(name) for name in found]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.driver.quit()


@pytest.fixture(scope="module")
def page() -> str:
    return render(big(benchmarks=12, blocks=15, arms=3, replicas=3))


@pytest.fixture(autouse=True)
def _quiet(browser: Browser) -> Iterator[None]:
    """Whatever a test does: no complaint, and no request leaves the file."""
    yield
    assert browser.complaints() == []
    assert browser.requests() == []


def test_what_leaves_a_page_would_be_seen(browser: Browser, page: str) -> None:
    beacon = "<script>fetch('http://127.0.0.1:9/')</script><img src='http://127.0.0.1:9/'></body>"
    browser.open(page.replace("</body>", beacon))
    # Our own policy stops both before anything is asked for.
    assert len([one for one in browser.complaints() if "Content Security Policy" in one]) == 2
    assert browser.requests() == []
    browser.open(page.replace("Content-Security-Policy", "x").replace("</body>", beacon))
    assert set(browser.requests()) == {"http://127.0.0.1:9/"}
    browser.complaints()


@pytest.mark.parametrize("content", [specimen, hostile])
def test_a_page_opens_and_its_charts_have_marks(browser: Browser, content: Any) -> None:
    browser.open(render(content()))
    sizes = browser.do(
        "return [...document.querySelectorAll('.strip .dot')].map(one => one.getTotalLength() >= 0"
        " && one.ownerSVGElement.getBoundingClientRect().width)"
    )
    assert len(sizes) == 7
    assert min(sizes) > 100
    assert browser.do("return document.title").startswith("specimen: fast-add is 1.05x faster")


def test_a_dot_is_painted_in_the_colour_of_its_verdict(browser: Browser, page: str) -> None:
    browser.open(page)
    colours = browser.do(
        "return [...document.querySelectorAll('#c1 .benchmark')].map(one => [one.dataset.verdict,"
        " getComputedStyle(one.querySelector('.dot')).stroke])"
    )
    by_verdict = {verdict: {c for v, c in colours if v == verdict} for verdict, _ in colours}
    assert all(len(found) == 1 for found in by_verdict.values())
    assert len({min(found) for found in by_verdict.values()}) == len(by_verdict) > 1


@pytest.mark.parametrize("how", ["click", "\n", " "])
def test_sorting_by_click_and_by_key(browser: Browser, page: str, how: str) -> None:
    browser.open(page)
    by_ratio = names_of(browser)
    assert len(by_ratio) == 12

    def sort(key: str) -> None:
        selector = f"#c1 .sort[data-sort={key}]"
        browser.click(selector) if how == "click" else browser.press(selector, how)

    sort("name")
    assert names_of(browser) == sorted(by_ratio) != by_ratio
    sort("name")
    assert names_of(browser) == sorted(by_ratio, reverse=True)
    head = "return document.querySelector('#c1 th.name[aria-sort]').getAttribute('aria-sort')"
    assert browser.do(head) == "descending"
    sort("ratio")
    assert names_of(browser) == by_ratio
    assert browser.do(head) == "none"
    # What is sorted is the chart as well: each row has its own piece of it.
    dots = browser.do(
        "return [...document.querySelectorAll('#c1 .benchmark .strip .dot')]"
        ".map(one => one.getBBox().x)"
    )
    assert dots == sorted(dots)


@pytest.mark.parametrize("how", ["click", "\n"])
def test_filtering_by_verdict(browser: Browser, page: str, how: str) -> None:
    browser.open(page)
    everything = names_of(browser)
    wanted = browser.do(
        "return [...document.querySelectorAll('#c1 tbody.benchmark[data-verdict=faster]')]"
        ".map(one => one.dataset.name)"
    )
    assert 0 < len(wanted) < len(everything)
    selector = "#c1 .filter[data-verdict=faster]"
    browser.click(selector) if how == "click" else browser.press(selector, how)
    assert names_of(browser) == wanted
    pressed = f"return document.querySelector('{selector}').getAttribute('aria-pressed')"
    assert browser.do(pressed) == "true"
    status = browser.do("return document.querySelector('#c1 .shown').textContent")
    assert status == f"{len(wanted)} of 12 benchmarks"
    browser.click(selector)
    assert names_of(browser) == everything


def test_filtering_by_name(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.press("#c1 .search", "BM_01")
    assert sorted(names_of(browser)) == ["bm_010", "bm_011"]
    browser.press("#c1 .search", "\ue00c")  # Escape
    assert len(names_of(browser)) == 12


@pytest.mark.parametrize("how", ["click", "\n"])
def test_a_row_opens_its_blocks(browser: Browser, page: str, how: str) -> None:
    browser.open(page)
    height = "return document.querySelector('#c1 .benchmark .panel').getBoundingClientRect().height"
    assert browser.do(height) == 0
    selector = "#c1 .benchmark .open"
    browser.click(selector) if how == "click" else browser.press(selector, how)
    assert browser.do(height) > 50
    assert browser.do(f"return document.querySelector('{selector}').ariaExpanded") == "true"
    browser.click("#c1 .all")
    opened = "return document.querySelectorAll('#c1 .detail:not([hidden])').length"
    assert browser.do(opened) == 12


@pytest.mark.parametrize("width", [NARROW, 768, WIDE])
@pytest.mark.parametrize("content", [specimen, hostile])
def test_a_page_is_as_wide_as_its_window(browser: Browser, width: int, content: Any) -> None:
    browser.open(render(content()), width)
    browser.do("for (const one of document.querySelectorAll('.all, summary')) one.click()")
    assert browser.do("return document.documentElement.scrollWidth") == width


def test_on_a_phone_everything_can_be_used(browser: Browser, page: str) -> None:
    browser.open(page, NARROW)
    sizes = browser.do(
        "return [...document.querySelectorAll('#c1 button, #c1 input')]"
        ".filter(one => one.offsetParent !== null)"
        ".map(one => one.getBoundingClientRect().toJSON())"
    )
    assert all(size["height"] >= 28 for size in sizes)
    assert all(size["left"] >= 0 and size["right"] <= NARROW for size in sizes)
    browser.click("#c1 .sort[data-sort=blocks]")
    browser.click("#c1 .filter")
    browser.click("#c1 .benchmark:not([hidden]) .open")
    strip = browser.do("return document.querySelector('#c1 .strip').getBoundingClientRect().width")
    assert strip > 300


def test_light_and_dark_can_be_read(browser: Browser, page: str) -> None:
    ratios = []
    for scheme in ("light", "dark"):
        browser.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        browser.open(page)
        colours = browser.do(
            "const own = [...document.querySelectorAll('.badge, .meta, td, .shown, h2')];"
            "return [getComputedStyle(document.body).backgroundColor,"
            " ...new Set(own.map(one => getComputedStyle(one).color))]"
        )
        paper, *inks = (_luminance(colour) for colour in colours)
        ratios += [(max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) for ink in inks]
    assert len(ratios) >= 8
    assert min(ratios) >= 4.5  # WCAG 2.2, 1.4.3: text against its background


def _luminance(colour: str) -> float:
    """The relative luminance of rgb(), as WCAG 2.2 defines it."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_print_shows_the_table_and_no_buttons(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = "return getComputedStyle(document.querySelector('{}')).display"
    assert browser.do(shown.format("#c1 .controls")) == "none"
    assert browser.do(shown.format("#c1 .row")) == "table-row"
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_index_opens(browser: Browser) -> None:
    entry = index.IndexEntry(view=view_of(hostile()), href="./r/report.html")
    for width in (NARROW, WIDE):
        browser.open(index.render([entry]), width)
        assert browser.do("return document.documentElement.scrollWidth") == width
        assert browser.do("return document.querySelectorAll('tbody .row').length") == 3


def test_a_large_result_is_small_enough(browser: Browser) -> None:
    page = render(big(benchmarks=100, blocks=60, arms=5, replicas=3))
    assert len(page.encode()) < 2_000_000
    browser.open(page)
    assert len(names_of(browser)) == 100


@pytest.mark.parametrize("content", [specimen, changes.commit])
def test_on_a_phone_a_benchmark_is_named_on_the_first_screen(
    browser: Browser, content: Callable[[], dict[str, Any]]
) -> None:
    browser.open(render(content()), NARROW)
    bottom, width = browser.do(
        "const named = [...document.querySelectorAll('.answers dd')]"
        ".find(one => one.textContent.includes('nbody'));"
        "return [named.getBoundingClientRect().bottom, document.documentElement.scrollWidth]"
    )
    assert 0 < bottom <= 800  # the height of the window
    assert width == NARROW
