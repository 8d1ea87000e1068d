"""The page of a host: its facts, its epochs, and its last nights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bench.history import MEASURED, UNCHANGED, NightEntry, epochs
from bench.site import naming
from bench.site.gather import commit_of, suite_of
from bench.site.model import LineData, Page, Site
from bench.site.rendering import day, key_of, link, render, suite_text

_NIGHTS = 60


@dataclass(frozen=True, kw_only=True)
class NightText:
    """A night, as text for a row of the table."""

    when: str
    line: str
    state: str
    reason: str
    commit: str
    commit_href: str
    last: str
    last_kind: str
    release: str


@dataclass(frozen=True, kw_only=True)
class EpochText:
    """An epoch, as text: its first night, its number of nights, and what changed."""

    when: str
    nights: int
    changes: tuple[str, ...]


def pages(site: Site) -> Iterator[Page]:
    """A page for each host."""
    for host in site.hosts:
        yield _page(site, host, site.of_host(host))


def _page(site: Site, host: str, lines: Sequence[LineData]) -> Page:
    path = naming.host_path(host)
    texts = [
        (entry.number, entry.night.identity, site.commits.get(commit_of(entry)))
        for line in lines
        for entry in line.columns.entries
    ]
    return Page(
        path=path,
        key=key_of(site, host, texts),
        render=lambda: _render(site, path, host, lines),
    )


def _render(site: Site, path: PurePosixPath, host: str, lines: Sequence[LineData]) -> str:
    root = naming.root_of(path)
    entries = sorted(
        (entry for line in lines for entry in line.columns.entries),
        key=lambda entry: entry.night.when,
        reverse=True,
    )
    longest = max(lines, key=lambda line: len(line.columns.entries))
    return render(
        "host.html.jinja",
        path,
        site,
        host=host,
        facts=sorted(entries[0].night.facts.items()),
        longest=f"{longest.columns.line.branch} {longest.columns.line.flavor}",
        epochs=_epochs(longest),
        nights=[_night_text(site, root, entry) for entry in entries[:_NIGHTS]],
        total=len(entries),
    )


def _epochs(line: LineData) -> list[EpochText]:
    entries = line.columns.entries
    return [
        EpochText(
            when=day(entries[epoch.first].night.when),
            nights=epoch.last - epoch.first + 1,
            changes=tuple(
                f"{c.fact}: {c.before} \N{RIGHTWARDS ARROW} {c.after}" for c in epoch.changes
            ),
        )
        for epoch in reversed(epochs.epochs([entry.night.facts for entry in entries]))
    ]


def _night_text(site: Site, root: str, entry: NightEntry) -> NightText:
    night, commit = entry.night, site.commits.get(commit_of(entry), "")
    last, release = suite_of(night.last), suite_of(night.release)
    is_linked = bool(commit) and night.state != UNCHANGED
    return NightText(
        when=f"{night.when:%Y-%m-%d %H:%M}",
        line=f"{night.branch} {night.flavor}",
        state="" if night.state == MEASURED else night.state,
        reason=night.reason,
        commit=commit,
        commit_href=link(root, naming.commit_path(commit)) if is_linked else "",
        last=suite_text(last),
        last_kind=last.verdict if last else "",
        release=suite_text(release),
    )
