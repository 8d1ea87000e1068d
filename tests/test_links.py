"""The documentation: its links work, and the README stays short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)|<img\s[^>]*?src=\"([^\"]+)\"")
# Named in running text or in a command, from the root of the project.
NAMED = re.compile(r"(?<![\w./~-])(?:docs|examples|experiments|patches|scripts)/[\w./-]*\w")
MOST_LINES = 120


def targets(text: str) -> Iterator[str]:
    """The files that links and pictures lead to, as they are written, without what is elsewhere."""
    for match in LINK.finditer(text):
        target = (match[1] or match[2]).partition("#")[0]
        if target and "://" not in target:
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [target for target in targets(text) if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_are_there(page: Path) -> None:
    text = LINK.sub("", page.read_text("utf-8"))
    named = {match[0] for match in NAMED.finditer(text) if text[match.end() :][:1] not in "<*"}
    assert {target for target in named if not (ROOT / target).exists()} == set()


def test_the_readme_is_short_and_leads_to_the_rest() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    led_to = set(targets(text))
    pages = {f"docs/{page.name}" for page in ROOT.glob("docs/*.md")}
    # Those of a table of contents of their own: docs/method.md and docs/ladder.md lead there.
    apart = {
        "docs/validation.md",
        *(target for target in pages if target.startswith("docs/variants-")),
    }
    assert pages - apart <= led_to


def test_the_picture_of_the_rooms_shows_every_room() -> None:
    picture = (ROOT / "docs" / "pictures" / "rooms.svg").read_text("utf-8")
    shown = set(re.findall(r'class="n"[^>]*>([^<]+)<', picture))
    rooms = {path.parent.name for path in ROOT.glob("bench/*/__init__.py")} - {"inside"}
    assert shown == rooms | {"builder", "ext", "context"}
