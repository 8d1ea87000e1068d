"""An index page of several reports: every candidate of every report on one axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.report.formats.html import OverviewLine, overview, page
from bench.report.model import View


@dataclass(frozen=True, kw_only=True)
class IndexEntry:
    """A report and its address, relative to the page and percent-encoded."""

    view: View
    href: str


def render(entries: Iterable[IndexEntry]) -> str:
    """The page as HTML."""
    entries = sorted(entries, key=lambda entry: (entry.view.when, entry.view.title), reverse=True)
    lines = [line for entry in entries for line in _lines(entry)]
    # Each report has its own margin; the widest is drawn, and the text lists them all.
    margin = max((entry.view.margin for entry in entries), default=0.01)
    frame, drawn = overview(lines, (1 / (1 + margin), 1 + margin))
    margins = sorted({entry.view.margin for entry in entries})
    return page(
        "index.html.jinja",
        entries=entries,
        frame=frame,
        lines=drawn or lines,
        margins=", ".join(f"{value * 100:g}%" for value in margins),
        hosts=len({entry.view.host_name for entry in entries}),
    )


def _lines(entry: IndexEntry) -> Iterator[OverviewLine]:
    view = entry.view
    for candidate in view.candidates:
        yield OverviewLine(
            name=f"{view.title}: {candidate.arm.name}",
            note=f"{candidate.arm.title} against {view.base.title}; {view.when}",
            href=entry.href,
            verdict=candidate.verdict,
            row=candidate.suite,
        )
