"""The folder of the site: pages that are written, left, removed, and folders that are refused."""

from __future__ import annotations

import argparse
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from bench.cli.commands import nightly
from bench.context import Context
from bench.history.store import History
from bench.site import build as module
from bench.site.build import build_site
from bench.util.console import Show
from builder.errors import StoreError, UsageError
from builder.home import Home
from builder.locks import Queue
from builder.process import SystemRunner
from tests.bench.site.made_up import NOW, failed, nights, quiet, site_of

HOSTILE = "<script>alert(1)</script>\"'&../../x"


class Links(HTMLParser):
    """The addresses and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and attributes.get("href"):
            self.hrefs.append(str(attributes["href"]))
        if attributes.get("id"):
            self.ids.add(str(attributes["id"]))


def written(folder: Path) -> dict[str, int]:
    """When each page was written."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.html")
    }


def test_every_link_leads_to_a_page_and_a_place_on_it(tmp_path: Path) -> None:
    other = nights(40, host="other", branch="3.13/fork")
    made = site_of(tmp_path, [*nights(), *other, failed(replace(other[0], identity="x"))])
    site = tmp_path / "site"
    pages = {path: Links(path.read_text("utf-8")) for path in site.rglob("*.html")}
    assert made.pages == made.made == len(pages)
    broken = []
    for path, page in pages.items():
        for href in page.hrefs:
            name, _, place = href.partition("#")
            target = (path.parent / unquote(name)).resolve() if name else path
            if target not in pages or (place and unquote(place) not in pages[target].ids):
                broken.append((str(path.relative_to(site)), href))
    assert broken == []
    assert any("other" in href for href in pages[site / "index.html"].hrefs)


def test_another_night_updates_only_its_own_pages(tmp_path: Path) -> None:
    every = nights()
    site_of(tmp_path, every[:-2])
    before = written(tmp_path / "site")
    assert site_of(tmp_path, []).made == 0
    later = site_of(tmp_path, [], now=NOW + timedelta(days=1))
    assert later.made == 1, "only the index shows how old its nights are"
    made = site_of(tmp_path, every[-2:])
    after = written(tmp_path / "site")
    changed = {name for name, moment in after.items() if before.get(name) != moment}
    commits = {name for name in changed if name.startswith("commit/")}
    assert len(commits) == 2, "its own, and the commit before, which has a next one now"
    assert changed - commits == {
        "index.html",
        "host/c0ffee.html",
        *(f"benchmark/c0ffee/main/{name}.html" for name in ("_suite", "bm_000", "bm_001")),
    } | {name for name in changed if name.startswith("releases/")}
    assert made.made == len(changed)


def test_only_obsolete_pages_are_removed(tmp_path: Path) -> None:
    site_of(tmp_path, nights(30))
    site = tmp_path / "site"
    (site / "robots.txt").write_text("mine")
    pages = site / module.PAGES
    keys = json.loads(pages.read_text())
    (tmp_path / "precious.html").write_text("mine")
    pages.write_text(json.dumps(keys | {"old.html": "x", "../precious.html": "x"}))
    (site / "old.html").write_text("old")
    assert site_of(tmp_path, []).removed == 1
    assert not (site / "old.html").exists()
    assert (site / "robots.txt").read_text() == "mine"
    assert (tmp_path / "precious.html").read_text() == "mine"


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine")
    with pytest.raises(StoreError, match="other files"):
        site_of(tmp_path, nights(3))
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.html"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(StoreError, match="Cannot write"):
        site_of(tmp_path, nights(1))


@pytest.mark.parametrize("damage", ["", "[]", "{", "null"])
def test_a_damaged_list_of_pages_makes_all_again(tmp_path: Path, damage: str) -> None:
    first = site_of(tmp_path, nights(5))
    (tmp_path / "site" / module.PAGES).write_text(damage)
    assert site_of(tmp_path, []).made == first.pages


def test_a_deleted_page_is_written_again(tmp_path: Path) -> None:
    site_of(tmp_path, nights(5))
    page = tmp_path / "site" / "host" / "c0ffee.html"
    before = page.read_text()
    page.unlink()
    assert site_of(tmp_path, []).made == 1
    assert page.read_text() == before


def test_an_interrupted_build_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAVE_EVERY", 10)

    def stop(done: int, of: int) -> None:
        if done == 25:
            raise KeyboardInterrupt

    with History.open(tmp_path / "history.db") as history:
        history.add_nights(nights(30))
        with pytest.raises(KeyboardInterrupt):
            build_site(
                history,
                tmp_path / "site",
                queue=Queue(folder=tmp_path / "queue"),
                now=NOW,
                on_progress=stop,
            )
        assert not (tmp_path / "site" / "index.html").exists()
        calls: list[Any] = []
        made = build_site(
            history,
            tmp_path / "site",
            queue=Queue(folder=tmp_path / "queue"),
            now=NOW,
            on_progress=lambda done, of: calls.append((done, of)),
        )
    assert made.made == made.pages - 20
    assert calls[-1] == (made.pages, made.pages)


def test_the_site_does_not_depend_on_its_cache(tmp_path: Path) -> None:
    site_of(tmp_path, nights(30))
    for file in (tmp_path / ".site.cache").iterdir():
        file.unlink()
    assert site_of(tmp_path, []).made == 0


def test_an_empty_history_has_a_first_page(tmp_path: Path) -> None:
    assert site_of(tmp_path, []).pages == 1
    assert "no night yet" in (tmp_path / "site" / "index.html").read_text()


def test_nights_without_any_measurement_are_shown(tmp_path: Path) -> None:
    site_of(tmp_path, [failed(night) for night in nights(2)])
    index = (tmp_path / "site" / "index.html").read_text()
    assert "does not compile: &lt;ceval.c&gt;" in index
    assert "broken" in index


def test_a_night_without_a_new_commit_has_no_page_of_its_own(tmp_path: Path) -> None:
    every = nights(5)
    later = [replace(quiet(n), identity=f"q{n.flavor}", when=NOW) for n in every[-2:]]
    site_of(tmp_path, [*every, *later])
    assert len(list((tmp_path / "site" / "commit").iterdir())) == 5
    assert "the head did not move" in (tmp_path / "site" / "index.html").read_text()


def test_hostile_names_stay_text_and_inside_the_folder(tmp_path: Path) -> None:
    (night, _other) = nights(1)
    assert night.build is not None
    bad = replace(
        night,
        host=HOSTILE,
        branch=HOSTILE,
        flavor=HOSTILE,
        facts={"cpu": HOSTILE},
        build=replace(night.build, commit=HOSTILE, version=HOSTILE, title=HOSTILE),
        rows=tuple(replace(row, benchmark=HOSTILE) for row in night.rows[:1]),
        missing={HOSTILE: HOSTILE},
    )
    site_of(tmp_path, [bad])
    assert {path.name for path in tmp_path.iterdir()} >= {"site", ".site.cache", "history.db"}
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text("utf-8")
        assert "<script>alert" not in text
        assert len(re.findall("<script", text)) == 1


def run(folder: Path, *arguments: str) -> str:
    """What is said."""
    parser = argparse.ArgumentParser()

    def add(_name: str, run: object) -> argparse.ArgumentParser:
        parser.set_defaults(run=run)
        return parser

    nightly.add_commands(add)
    options = parser.parse_args(("site", *arguments))
    said = io.StringIO()
    context = Context(
        home=Home(root=folder / "home", host_lock=folder / "lock"),
        project=folder,
        runner=SystemRunner(),
        show=Show(stream=said),
    )
    assert options.run(context, options) == 0
    return said.getvalue()


def test_a_site_is_written_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, out = str(tmp_path / "history.db"), str(tmp_path / "site")
    with History.open(place) as history:
        history.add_nights(nights(3))
    said = run(tmp_path, "--history", place, "--out", out, "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["index"] == f"{out}/index.html"
    assert told["made"] == told["pages"] == len(list(Path(out).rglob("*.html")))
    assert f"{told['pages']} of {told['pages']} pages were updated" in said.replace("\n", " ")


def test_no_history_is_made_where_none_is(tmp_path: Path) -> None:
    place = tmp_path / "histroy.db"
    with pytest.raises(UsageError, match="no history"):
        run(tmp_path, "--history", str(place), "--out", str(tmp_path / "site"))
    assert not place.exists()
    assert not (tmp_path / "site").exists()


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "notes.txt"
    place.write_text("my notes " * 1000)
    with pytest.raises(StoreError):
        run(tmp_path, "--history", str(place), "--out", str(tmp_path / "site"))
    assert not (tmp_path / "site").exists()
