"""What a night gave, on stdout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from bench import plain
from bench.comparison import spelled
from bench.history.models import Ratio
from bench.jobs.context import Context
from bench.jobs.inspect import cell, print_json, print_table
from bench.night import FAILED, Finding, Line, NightReport

SCHEMA = 1


def show(context: Context, reports: Sequence[NightReport], *, as_json: bool) -> None:
    """Print nights: a line of the table for each branch and flavor."""
    if as_json:
        print_json({"schema": SCHEMA, "nights": [document(one) for one in reports]})
        return
    table = Table("night", "branch", "flavor", "", "head", "against last", "release", box=None)
    for report in reports:
        for line in report.lines:
            told = (report.date, line.branch, line.flavor, line.outcome, _head(line))
            ratios = (_ratio(line.suite_last), _ratio(line.suite_release))
            table.add_row(*map(cell, (*told, *ratios)))
    print_table(table)
    for report in reports:
        for text in remarks(report):
            context.show.say(text)


def document(report: NightReport) -> dict[str, object]:
    """A night as JSON: the fields of `bench.night.NightReport`, and its outcome."""
    return {"outcome": report.outcome, **plain.dump(report)}


def remarks(report: NightReport) -> Iterator[str]:
    """What the table does not say: changes, failures, notes, missed nights."""
    for line in report.lines:
        for finding in line.findings:
            yield f"{report.date} {line.name}: {finding_told(finding)}"
        if line.outcome == FAILED:
            yield f"{report.date} {line.name} failed: {line.error.splitlines()[0]}"
        for note in line.notes:
            yield f"{report.date} {line.name}: {note}"
    if report.missed:
        yield f"{report.date}: missed before it: {', '.join(map(str, report.missed))}"
    for text in report.warnings:
        yield f"{report.date}: {text}"


def finding_told(finding: Finding) -> str:
    """A suspicion, with the interval of the session that measured it again."""
    since = f"since {finding.since}, against {finding.old.commit[:12]}"
    if finding.ratio is None:
        return f"{finding.benchmark} {finding.state} {since}: {finding.reason}"
    return f"{finding.benchmark} {finding.state}: {_ratio(finding.ratio)} {since}"


def _head(line: Line) -> str:
    return f"{line.new.version} {line.new.commit[:10]}" if line.new else ""


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    bounds = (
        "" if ratio.low is None or ratio.high is None else f"{ratio.low:.4f} to {ratio.high:.4f}"
    )
    return f"{spelled(ratio.ratio)} ({bounds or 'no interval'}) {ratio.verdict}"
