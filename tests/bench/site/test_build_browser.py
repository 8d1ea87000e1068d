"""The site in a real browser."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.history.columns import columns_of
from bench.history.reading import LineKey
from bench.history.store import History
from tests.bench.history import made_up
from tests.bench.site.made_up import against, failed, nights, site_of
from tests.browser import NARROW, WIDE, Browser, needed

pytestmark = needed
LINE = LineKey(host=made_up.HOST, branch="main", flavor="pgo")
SECTION = "document.querySelector('#f-pgo')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    every = nights(90)
    other = [against(night, "2.7.18 plain") for night in nights(30, host="other", branch="3.13")]
    site_of(folder, [*every[:-1], failed(every[-1]), *other])
    return folder


@pytest.fixture
def benchmark(folder: Path) -> Path:
    return folder / "site" / "benchmark" / made_up.HOST / "main" / "bm_000.html"


@pytest.fixture(autouse=True)
def _quiet(browser: Browser) -> Iterator[None]:
    """Whatever a test does: no complaint, and no request leaves the file."""
    yield
    assert browser.complaints() == []
    assert browser.requests() == []


@pytest.mark.parametrize("width", [NARROW, 768, WIDE])
def test_every_kind_of_page_is_as_wide_as_its_window(
    browser: Browser, folder: Path, width: int
) -> None:
    site = folder / "site"
    commit = next((site / "commit").iterdir())
    kinds = ["index", "host/other", "releases/other", f"commit/{commit.stem}"]
    kinds += [f"benchmark/{made_up.HOST}/main/{name}" for name in ("bm_000", "_suite")]
    for kind in kinds:
        browser.visit(site / f"{kind}.html", width)
        browser.do("for (const one of document.querySelectorAll('summary')) one.click()")
        assert browser.do("return document.documentElement.scrollWidth") == width, kind
        assert browser.do("return document.querySelector('h1').offsetHeight") > 0


def readout(browser: Browser) -> str:
    return str(browser.do(f"return {SECTION}.querySelector('.readout').textContent"))


def night_text(folder: Path, night: int) -> str:
    """The text expected for a night, from the history itself."""
    with History.open(folder / "history.db") as history, history.connect() as connection:
        read = columns_of(connection, LINE)
    entry, row = read.measured[night], read.benchmarks.index("bm_000")
    values = {
        name: float(read.field(name)[row, night])
        for name in ("release_ratio", "release_low95", "release_high95", "mean", "rsd")
    }
    assert entry.night.build is not None
    digits = 3 - math.floor(math.log10(values["mean"] * 1000))
    return (
        f"{entry.night.when:%Y-%m-%d}, {entry.night.build.commit[:12]}: "
        f"ratio {values['release_ratio']:.4f}"
        f" ({values['release_low95']:.4f} to {values['release_high95']:.4f}),"
        f" {values['mean'] * 1000:.{digits}f} ms \N{PLUS-MINUS SIGN}{values['rsd'] * 100:.1f}%"
    )


def test_the_arrow_keys_go_from_night_to_night_and_enter_to_the_commit(
    browser: Browser, folder: Path, benchmark: Path
) -> None:
    browser.visit(benchmark)
    plot = "#f-pgo .plot"
    browser.press(plot, "\ue012")  # left: the last night
    assert close(readout(browser), night_text(folder, -1))
    browser.press(plot, "\ue011")  # home
    assert close(readout(browser), night_text(folder, 0))
    browser.press(plot, "\ue014")  # right
    assert close(readout(browser), night_text(folder, 1))
    browser.press(plot, "\ue007")  # enter
    assert "/commit/" in browser.driver.current_url
    assert browser.do("return document.querySelector('h1').textContent") in {
        night.build.commit for night in nights(3) if night.build
    }
    browser.visit(benchmark)


def close(shown: str, expected: str) -> bool:
    """The same but for the last digit of a figure, which was rounded twice."""
    left, right = shown.replace("(", "").split(), expected.replace("(", "").split()
    return len(left) == len(right) and all(map(_close, left, right))


def _close(left: str, right: str) -> bool:
    bare, same = left.strip("),:%\N{PLUS-MINUS SIGN}"), right.strip("),:%\N{PLUS-MINUS SIGN}")
    try:
        return abs(float(bare) / float(same) - 1) < 0.002
    except ValueError:
        return bare == same


def test_the_pointer_shows_the_nearest_night_and_a_click_holds_it(
    browser: Browser, folder: Path, benchmark: Path
) -> None:
    browser.visit(benchmark)
    move = (
        f"const plot = {SECTION}.querySelector('.plot'), box = plot.getBoundingClientRect();"
        "const x = box.left + box.width * arguments[1];"
        "plot.dispatchEvent(new PointerEvent(arguments[0],"
        "{clientX: x, clientY: box.top + 5, bubbles: true, pointerType: 'mouse'}));"
        "return [Number(plot.dataset.first), Number(plot.dataset.last)]"
    )
    first, last = browser.do(move, "pointermove", 0.5)
    middle = round(((first + last) / 2 - made_up.BEGIN.timestamp()) / 86_400)
    assert any(close(readout(browser), night_text(folder, middle + by)) for by in (-1, 0, 1))
    held = readout(browser)
    browser.do(move, "click", 0.5)
    browser.do(move, "pointermove", 0.1)
    assert readout(browser) == held
    browser.do(move, "click", 0.1)
    assert readout(browser) != held
    cursor = browser.do(
        f"const one = {SECTION}.querySelector('.cursor:not([hidden])');"
        "return one.getBoundingClientRect().left - one.parentNode.getBoundingClientRect().left"
    )
    width = browser.do(f"return {SECTION}.querySelector('.plot').clientWidth")
    assert cursor / width == pytest.approx(0.1, abs=0.02)


def test_change_points_are_coloured_and_dots_have_a_size(browser: Browser, benchmark: Path) -> None:
    browser.visit(benchmark)
    colours = browser.do(
        "return [...document.querySelectorAll('.turn.slower')]"
        ".map(one => getComputedStyle(one).stroke)"
    )
    assert len(set(colours)) == 1
    assert colours[0] != "none"
    box = browser.do(f"return {SECTION}.querySelector('.panel').getBoundingClientRect().toJSON()")
    assert box["width"] > 900
    assert box["height"] > 100


def test_rows_are_filtered_by_name_and_by_what_moved(browser: Browser, folder: Path) -> None:
    browser.visit(folder / "site" / "index.html")
    shown = (
        "return [...document.querySelector('[data-board]').querySelectorAll('tr[data-name]')]"
        ".filter(one => one.offsetParent !== null).map(one => one.dataset.name)"
    )
    assert browser.do(shown) == ["bm_000", "bm_001"]
    browser.click("[data-board] .moved")
    assert browser.do(shown) == ["bm_000"]
    assert browser.do("return document.querySelector('.shown').textContent") == "1 of 2 benchmarks"
    browser.press("[data-board] .moved", "\n")
    browser.press("[data-board] .search", "001")
    assert browser.do(shown) == ["bm_001"]
    browser.press("[data-board] .search", "\ue00c")
    assert len(browser.do(shown)) == 2


def test_an_arrow_leads_to_its_flavor(browser: Browser, folder: Path) -> None:
    browser.visit(folder / "site" / "index.html")
    browser.do("document.querySelector('[data-board] td.slower a').click()")
    assert "/bm_000.html#f-" in browser.driver.current_url
    browser.visit(folder / "site" / "index.html")


def test_light_and_dark_differ(browser: Browser, benchmark: Path) -> None:
    papers = set()
    for scheme in ("light", "dark"):
        browser.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        browser.visit(benchmark)
        papers.add(browser.do("return getComputedStyle(document.body).backgroundColor"))
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(papers) == 2
