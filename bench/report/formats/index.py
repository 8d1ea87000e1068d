"""One page that leads to several reports: each arm of each, on one axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.report.formats.html import OverviewLine, overview, page
from bench.report.model import View


@dataclass(frozen=True, kw_only=True)
class IndexEntry:
    """A report and its address: relative to the page, and quoted as an address."""

    view: View
    href: str


def render(entries: Iterable[IndexEntry]) -> str:
    """The page."""
    entries = sorted(entries, key=lambda entry: (entry.view.when, entry.view.name), reverse=True)
    lines = [line for entry in entries for line in _lines(entry)]
    # Each report has its own margin; the widest is drawn, and each says its own in words.
    margin = max((entry.view.margin for entry in entries), default=0.01)
    frame, drawn = overview(lines, (1 / (1 + margin), 1 + margin))
    margins = sorted({entry.view.margin for entry in entries})
    return page(
        "index.html.jinja",
        entries=entries,
        frame=frame,
        lines=drawn or lines,
        margins=", ".join(f"{one * 100:g}%" for one in margins),
        hosts=len({entry.view.host_name for entry in entries}),
    )


def _lines(entry: IndexEntry) -> Iterator[OverviewLine]:
    view = entry.view
    for one in view.candidates:
        yield OverviewLine(
            name=f"{view.name}: {one.arm.name}",
            note=f"{one.arm.title} against {view.base.title}; {view.when}",
            href=entry.href,
            verdict=one.verdict,
            row=one.suite,
        )
