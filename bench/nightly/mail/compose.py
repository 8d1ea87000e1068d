"""The mail of a night: what became faster or slower, how that was confirmed, and since when.

Plain ASCII, no line over 76 columns (except URLs), as all mails of patchbench. Untrusted text
(subjects of commits, errors of compilers) can add neither a header nor a line that mail programs
interpret. Pure: one report always gives the same mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.utils import format_datetime

from bench.compare import SIGNS, interval, spelled
from bench.history import HistoryRatio
from bench.nightly.report import (
    BAD,
    CONFIRMED,
    DISMISSED,
    FAILED,
    GOOD,
    NEUTRAL,
    QUIET,
    UNDECIDED,
    ConfirmedFinding,
    LineResult,
    NightBenchmark,
    NightReport,
    Revised,
)
from bench.util import COLUMNS, cut, paragraph, plain, safe
from builder.files import digest

_SUBJECT = "[patchbench] "
# The first word of the subject.
_GRADES = {GOOD: GOOD, NEUTRAL: NEUTRAL, QUIET: NEUTRAL, BAD: BAD, FAILED: BAD}
_STATES = {
    CONFIRMED: "confirmed by measuring again",
    DISMISSED: "suspected, and not seen when measured again",
    UNDECIDED: "suspected, and not decided by measuring again",
}
_TITLES = ("benchmark", "rsd", "last run", "release", "PGO last", "PGO rel.")
_WIDTHS = (26, 6, 8, 8, 8, 8)
_READING = (
    "rsd: relative standard deviation between processes. The other figures are ratios, tonight's "
    "time / that of the last measured night or of the release, in one session with tonight's: "
    "below 1 is faster; + faster, - slower, = equivalent, ? undecided. PGO: the same branch built "
    "with PGO."
)
# Limits for a readable mail; the results folder and the site have everything.
_MOST_ROWS, _MOST_COMMITS, _MOST_REASONS, _MOST_LINES = 200, 50, 20, 12


def compose_mail(night: NightReport) -> EmailMessage:
    """Return the mail, without sender and recipients.

    Two mails composed from one report are identical, Message-ID included, so that mail programs
    recognize a mail that is sent again.
    """
    message = EmailMessage()
    message["Subject"] = subject(night)
    message["Date"] = format_datetime(night.ended)
    identity = digest([night.name, night.date.isoformat(), night.host])
    message["Message-ID"] = f"<night.{night.date}.{identity}@patchbench.invalid>"
    message.set_content(body(night), charset="us-ascii", cte="7bit")
    return message


def subject(night: NightReport) -> str:
    """The subject: [patchbench] bad: main plain: richards 1.05x slower, and 2 more (2026-11-25)."""
    text = f"{_SUBJECT}{_GRADES[night.outcome]}: {_summary(night)} ({night.date})"
    return cut(plain(text), COLUMNS - len("Subject: "))


def _summary(night: NightReport) -> str:
    """The most important changes, for the subject."""
    worst = [line for line in night.lines if line.outcome == night.outcome]
    if night.outcome == QUIET or not worst:
        return "nothing moved"
    if night.outcome == NEUTRAL:
        return "nothing of note"
    if night.outcome == FAILED:
        items = [f"{line.name} failed" for line in worst]
    else:
        items = [
            f"{line.name}: {_change(finding)}"
            for line in worst
            for finding in _deciding(line, night.outcome)
        ] or [line.name for line in worst]
    more = f", and {len(items) - 1} more" if len(items) > 1 else ""
    return items[0] + more


def _deciding(line: LineResult, outcome: str) -> list[ConfirmedFinding]:
    """The confirmed findings that made a line good or bad."""
    verdict = "slower" if outcome == BAD else "faster"
    return [f for f in line.confirmed if f.ratio and f.ratio.verdict == verdict]


def _change(finding: ConfirmedFinding) -> str:
    return f"{finding.benchmark} {spelled(finding.ratio.ratio) if finding.ratio else 'changed'}"


def body(night: NightReport) -> str:
    """The text of the mail."""
    parts: list[Sequence[str]] = [
        [*paragraph(f"The night of {night.date}, {night.name}: {_GRADES[night.outcome]}.")],
        [text for line in night.lines for text in paragraph(_headline(line), "    ", "  ")],
        [*_general(night)],
        *(part for line in night.lines for part in _line(line, night.under_pgo(line))),
        [*paragraph(_READING)] if any(line.benchmarks for line in night.lines) else [],
        [*_environment(night)],
        [*_links(night)],
    ]
    text = "\n\n".join("\n".join(lines) for lines in parts if lines)
    return "\n".join(safe(line.rstrip()) for line in text.split("\n")) + "\n"


def _headline(line: LineResult) -> str:
    text = ", ".join(_change(finding) for finding in line.confirmed)
    if line.outcome == FAILED:
        text = plain(line.error.partition("\n")[0]) or "no reason is known"
    elif line.outcome == QUIET:
        text = "the head did not move"
    elif not text and line.suite_last:
        text = f"ratio {line.suite_last.ratio:.4f} since the last run"
    return f"{line.name}: {line.outcome}{': ' if text else ''}{text}"


def _general(night: NightReport) -> Iterator[str]:
    if night.missed:
        days = ", ".join(str(day) for day in night.missed[-_MOST_REASONS:])
        older = "older ones and " if len(night.missed) > _MOST_REASONS else ""
        yield from paragraph(f"Missed nights: {older}{days}.")
    for warning in night.warnings:
        yield from paragraph(warning, "    ", "  * ")


# -- one branch and flavor -----------------------------------------------------------------------


def _line(line: LineResult, pgo: LineResult | None) -> Iterator[Sequence[str]]:
    yield [_rule(line.name), *_revisions(line)]
    if line.error:
        yield [*_error(line.error)]
    for state in (CONFIRMED, UNDECIDED, DISMISSED):
        yield [*_findings(line, state)]
    if line.benchmarks:
        yield [*_table(line, pgo)]
    yield [*_commits(line)]
    yield [*_rest(line)]


def _rule(name: str) -> str:
    title = cut(plain(name), COLUMNS - 8)
    return f"-- {title} {'-' * (COLUMNS - 4 - len(title))}"


def _revisions(line: LineResult) -> Iterator[str]:
    if line.new is not None:
        yield from paragraph(f"tonight: {_named(line.new)}", "    ", "  ")
    if line.old is not None and line.old != line.new:
        yield from paragraph(f"last run: {_revised(line.old)}", "    ", "  ")
    if line.release is not None:
        yield from paragraph(f"release: {_named(line.release)}", "    ", "  ")


def _named(rev: Revised) -> str:
    name = f"{rev.name} " if rev.name and rev.name != rev.version else ""
    return f"{name}{rev.version} ({rev.commit[:12]})"


def _revised(rev: Revised) -> str:
    night = f", first measured on {rev.date}" if rev.date else ""
    return f"{_named(rev)}{night}"


def _error(error: str) -> Iterator[str]:
    lines = [text for text in error.splitlines() if text.strip()]
    yield "Why it failed"
    for text in lines[:_MOST_LINES]:
        yield from paragraph(text, "    ", "  ")
    if len(lines) > _MOST_LINES:
        yield f"  and {len(lines) - _MOST_LINES} more lines"


def _findings(line: LineResult, state: str) -> Iterator[str]:
    findings = [finding for finding in line.findings if finding.state == state]
    if findings:
        yield _STATES[state].capitalize()
    for finding in findings:
        yield from paragraph(_finding(finding), "    ", "  * ")


def _finding(finding: ConfirmedFinding) -> str:
    ratio = finding.ratio
    figures = (
        f"{spelled(ratio.ratio)} (ratio {ratio.ratio:.4f}, {interval(ratio.low, ratio.high)})"
        if ratio
        else "no figures"
    )
    how = ", seen in the trend" if finding.trend else ""
    reason = f": {finding.reason}" if finding.reason else ""
    folder = f"; results: {finding.folder}" if finding.folder else ""
    since = f"since the night of {finding.since}{how}, against {_revised(finding.old)}"
    return f"{finding.benchmark}: {figures} {since}{reason}{folder}"


def _table(line: LineResult, pgo: LineResult | None) -> Iterator[str]:
    """The table of benchmarks: those that changed first, then by name; the geometric mean last."""
    columns = len(_TITLES) if pgo else 4
    others = {row.name: row for row in pgo.benchmarks} if pgo else {}
    rows = sorted(line.benchmarks, key=lambda row: (not _changed(row.last), row.name))
    yield _cells(_TITLES[:columns])
    yield "-" * COLUMNS
    for row in rows[:_MOST_ROWS]:
        yield from _row(row, others.get(row.name), columns)
    if len(rows) > _MOST_ROWS:
        yield f"and {len(rows) - _MOST_ROWS} more benchmarks"
    yield "-" * COLUMNS
    pgo_suite = (pgo.suite_last, pgo.suite_release) if pgo else (None, None)
    ratios = map(_ratio, (line.suite_last, line.suite_release, *pgo_suite))
    yield _cells(("geometric mean", "", *ratios)[:columns])


def _changed(ratio: HistoryRatio | None) -> bool:
    return ratio is not None and ratio.verdict in ("faster", "slower")


def _row(row: NightBenchmark, other: NightBenchmark | None, columns: int) -> Iterator[str]:
    """A row of the table; a name too long for its column is printed on lines above the row."""
    name = plain(row.name)
    if len(name) > _WIDTHS[0]:
        yield from paragraph(name)
        name = ""
    rsd = "" if row.rsd is None else f"{row.rsd:.1%}"
    ratios = (row.last, row.release, *((other.last, other.release) if other else (None, None)))
    cells = (name, rsd, *map(_ratio, ratios))[:columns]
    if any(cells):
        yield _cells(cells)


def _ratio(ratio: HistoryRatio | None) -> str:
    return "" if ratio is None else f"{SIGNS.get(ratio.verdict, ' ')} {ratio.ratio:.4f}"


def _cells(cells: Sequence[str]) -> str:
    name, *rest = (cut(cell, width) for cell, width in zip(cells, _WIDTHS, strict=False))
    aligned = (f"{cell:>{width}}" for cell, width in zip(rest, _WIDTHS[1:], strict=False))
    return "  ".join((f"{name:{_WIDTHS[0]}}", *aligned))


def _commits(line: LineResult) -> Iterator[str]:
    shown = line.commits[:_MOST_COMMITS]
    count = len(line.commits) + line.commits_left_out
    if not shown:
        return
    yield f"{count} commit{'s' if count > 1 else ''} since the last run, newest first"
    for commit in shown:
        text = plain(f"{commit.hash[:12]} {commit.when:%Y-%m-%d} {commit.subject}")
        yield f"  {cut(text, COLUMNS - 2)}"
    if count > len(shown):
        yield f"  and {count - len(shown)} more"


def _rest(line: LineResult) -> Iterator[str]:
    for note in line.notes:
        yield from paragraph(note, "    ", "  * ")
    missing = list(line.missing.items())
    for name, reason in missing[:_MOST_REASONS]:
        yield from paragraph(f"missing: {name}: {reason}", "    ", "  * ")
    if len(missing) > _MOST_REASONS:
        yield f"  * missing: {len(missing) - _MOST_REASONS} more"
    if line.folder:
        yield from paragraph(f"results: {line.folder}", "    ", "  * ")


# -- the end -------------------------------------------------------------------------------------


def _environment(night: NightReport) -> Iterator[str]:
    """Host and facts: once where all lines agree, as they mostly do, else for each line."""
    yield "Environment"
    yield from paragraph(f"host: {night.host}", "      ", "  ")
    lines = [line for line in night.lines if line.facts]
    shared = dict(lines[0].facts) if lines else {}
    for line in lines[1:]:
        shared = {name: fact for name, fact in shared.items() if line.facts.get(name) == fact}
    for name, fact in shared.items():
        yield from paragraph(f"{name}: {fact}", "      ", "  ")
    for line in lines:
        own = [f"{name} {fact}" for name, fact in line.facts.items() if name not in shared]
        if own:
            yield from paragraph(f"{line.name}: {', '.join(own)}", "      ", "  ")


def _links(night: NightReport) -> Iterator[str]:
    if night.site:
        # Not wrapped, whatever its length: a wrapped URL is not a link.
        yield f"Site: {plain(night.site).replace(' ', '%20')[:900]}"
    if night.folder:
        yield from paragraph(f"Folder: {night.folder}", "    ", "")
    yield from paragraph(
        f"Ended {night.ended:%Y-%m-%d %H:%M %Z}. Made by patchbench.".replace(" .", ".")
    )
