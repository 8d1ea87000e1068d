"""Print the status of the nights: the last ones, the next, overdue ones and disk use; and print the
results of nights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bench.compare import spelled
from bench.context import Context
from bench.history import HistoryRatio
from bench.nightly.config import Nightly
from bench.nightly.report import FAILED, ConfirmedFinding, LineResult, NightReport
from bench.nightly.retention import disk_use
from bench.nightly.state import Nights, NightState, due, missing, next_run
from bench.nightly.timer import SYSTEM, units, user_folder
from bench.util import TextTable, cell, documents, print_json, print_table

SCHEMA = 1
SHOWN = 7


def status(context: Context, config: Nightly, *, as_json: bool, now: datetime | None = None) -> int:
    """Print the status and return 0, whatever it is; monitoring reads `overdue` and `failing` in
    the JSON.
    """
    content = _status(context, config, now or datetime.now().astimezone().replace(tzinfo=None))
    if as_json:
        print_json(content)
    else:
        _show(context, content)
    return 0


def _status(context: Context, config: Nightly, now: datetime) -> dict[str, Any]:
    nights = Nights(config.folder)
    days = nights.dates()
    newest = due(config.at, now)
    recent = (nights.read(day) for day in reversed(days[-SHOWN:]))
    last = [night for night in recent if night is not None]
    return {
        "schema": SCHEMA,
        "name": config.name,
        "at_work": nights.is_running(),
        "nights": [_night(night) for night in last],
        "next": _next(config, now),
        "timer": _timer(config),
        "overdue": [str(day) for day in _overdue(days, newest)],
        "unfinished": [str(night.date) for night in last if night.ended is None],
        "failing": [] if not last else _failing(last[0]),
        "disk": {
            "bytes": disk_use(context, config),
            "budget": None if config.keep.disk is None else int(config.keep.disk),
        },
    }


def _night(night: NightState) -> dict[str, Any]:
    return {
        "date": str(night.date),
        "ended": night.ended and night.ended.isoformat(timespec="seconds"),
        "site": night.site,
        "mailed": night.mailed,
        "lines": [
            {
                "branch": task.branch,
                "flavor": task.flavor,
                "commit": task.head.commit if task.head else "",
                "outcome": task.result.outcome if task.result else "unfinished",
                "error": task.result.error.partition("\n")[0] if task.result else "",
            }
            for task in night.tasks
        ],
        "told": list(night.told),
    }


def _failing(night: NightState) -> list[str]:
    return [f"{task.branch} {task.flavor}" for task in night.tasks if task.code]


def _overdue(days: list[date], newest: date) -> tuple[date, ...]:
    """The missed nights up to `newest`, which should have started; none before the first night."""
    return missing(days, newest + timedelta(days=1)) if days else ()


def _next(config: Nightly, now: datetime) -> str | None:
    """When the timer starts the next night; None if no timer is installed."""
    return next_run(config.at, now).isoformat(timespec="minutes") if _timer(config) else None


def _timer(config: Nightly) -> str | None:
    """The file of the installed timer; None if there is none."""
    name = units(config.name, file=config.file, command=(), at=config.at).timer
    paths = (folder / name for folder in (user_folder(), SYSTEM))
    return next((str(path) for path in paths if path.exists()), None)


def _show(context: Context, content: Mapping[str, Any]) -> None:
    table = TextTable("night", "branch", "flavor", "", "head", "site", "mail")
    for night in content["nights"]:
        for line in night["lines"]:
            sent = ("yes" if night[key] else "no" for key in ("site", "mailed"))
            head = line["commit"][:10]
            row = (night["date"], line["branch"], line["flavor"], line["outcome"], head, *sent)
            table.add_row(*map(cell, row))
    print_table(table)
    say = context.show.say
    for night in content["nights"]:
        for line in night["lines"]:
            if line["error"]:
                say(f"{night['date']} {line['branch']} {line['flavor']}: {line['error']}")
    say("A night is running." if content["at_work"] else "No night is running.")
    without = "no timer is installed (patchbench nightly --install FILE, or --cron)"
    say(f"Next: {content['next'] or without}")
    for key in ("overdue", "unfinished"):
        if content[key]:
            say(f"{key.capitalize()}: {', '.join(content[key])}")
    budget = content["disk"]["budget"]
    of = f" of {budget / 1e9:.1f} GB" if budget else ", no budget"
    say(f"Disk: {content['disk']['bytes'] / 1e9:.2f} GB{of}")


SCHEMA = 1


def show(context: Context, reports: Sequence[NightReport], *, as_json: bool) -> None:
    """Print the results of nights: a table with a row for each branch and flavor, and remarks."""
    if as_json:
        print_json({"schema": SCHEMA, "nights": [document(report) for report in reports]})
        return
    table = TextTable("night", "branch", "flavor", "", "head", "against last", "release")
    for report in reports:
        for line in report.lines:
            cells = (report.date, line.branch, line.flavor, line.outcome, _head(line))
            ratios = (_ratio(line.suite_last), _ratio(line.suite_release))
            table.add_row(*map(cell, (*cells, *ratios)))
    print_table(table)
    for report in reports:
        for text in remarks(report):
            context.show.say(text)


def document(report: NightReport) -> dict[str, object]:
    """A night as JSON: the fields of `bench.nightly.report.NightReport`, and `outcome`."""
    return {"outcome": report.outcome, **documents.dump(report)}


def remarks(report: NightReport) -> Iterator[str]:
    """Lines below the table: changes, failures, notes, missed nights, warnings."""
    for line in report.lines:
        for finding in line.findings:
            yield f"{report.date} {line.name}: {describe_finding(finding)}"
        if line.outcome == FAILED:
            yield f"{report.date} {line.name} failed: {line.error.splitlines()[0]}"
        for note in line.notes:
            yield f"{report.date} {line.name}: {note}"
    if report.missed:
        yield f"{report.date}: missed nights before it: {', '.join(map(str, report.missed))}"
    for text in report.warnings:
        yield f"{report.date}: {text}"


def describe_finding(finding: ConfirmedFinding) -> str:
    """A finding in one line, with the interval of the confirming session."""
    since = f"since {finding.since}, against {finding.old.commit[:12]}"
    if finding.ratio is None:
        return f"{finding.benchmark} {finding.state} {since}: {finding.reason}"
    return f"{finding.benchmark} {finding.state}: {_ratio(finding.ratio)} {since}"


def _head(line: LineResult) -> str:
    return f"{line.new.version} {line.new.commit[:10]}" if line.new else ""


def _ratio(ratio: HistoryRatio | None) -> str:
    if ratio is None:
        return ""
    bounds = (
        "" if ratio.low is None or ratio.high is None else f"{ratio.low:.4f} to {ratio.high:.4f}"
    )
    return f"{spelled(ratio.ratio)} ({bounds or 'no interval'}) {ratio.verdict}"
