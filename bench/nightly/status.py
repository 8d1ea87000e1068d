"""The state of the nights, printed: the last ones, the next, what is overdue, the disk; and the
result of one night.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rich.table import Table

from bench.compare import spelled
from bench.context import Context
from bench.history import HistoryRatio
from bench.nightly.config import Nightly
from bench.nightly.report import FAILED, ConfirmedFinding, LineResult, NightReport
from bench.nightly.retention import disk_use
from bench.nightly.state import Nights, NightState, due, missing, next_run
from bench.nightly.timer import SYSTEM, units, user_folder
from bench.util import cell, documents, print_json, print_table

SCHEMA = 1
SHOWN = 7


def status(context: Context, config: Nightly, *, as_json: bool, now: datetime | None = None) -> int:
    """Print it. 0 however it looks: whoever watches reads `overdue` and `failing` in the JSON."""
    told = _status(context, config, now or datetime.now().astimezone().replace(tzinfo=None))
    if as_json:
        print_json(told)
    else:
        _show(context, told)
    return 0


def _status(context: Context, config: Nightly, now: datetime) -> dict[str, Any]:
    nights = Nights(config.folder)
    days = nights.dates()
    wanted = due(config.at, now)
    read = [nights.read(day) for day in reversed(days[-SHOWN:])]
    last = [one for one in read if one is not None]
    return {
        "schema": SCHEMA,
        "name": config.name,
        "at_work": nights.at_work(),
        "nights": [_night(one) for one in last],
        "next": _next(config, now),
        "timer": _timer(config),
        "overdue": [str(day) for day in _overdue(days, wanted)],
        "unfinished": [str(one.date) for one in last if one.ended is None],
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


def _overdue(days: list[date], wanted: date) -> tuple[date, ...]:
    """The nights up to the one that should have begun by now; a file without nights has none."""
    return missing(days, wanted + timedelta(days=1)) if days else ()


def _next(config: Nightly, now: datetime) -> str | None:
    """When the timer comes next; None where no timer is installed."""
    return next_run(config.at, now).isoformat(timespec="minutes") if _timer(config) else None


def _timer(config: Nightly) -> str | None:
    """The installed timer's file; None where --install was never called."""
    name = units(config.name, file=config.file, command=(), at=config.at).timer
    found = (folder / name for folder in (user_folder(), SYSTEM))
    return next((str(path) for path in found if path.exists()), None)


def _show(context: Context, told: Mapping[str, Any]) -> None:
    table = Table("night", "branch", "flavor", "", "head", "site", "mail", box=None)
    for night in told["nights"]:
        for line in night["lines"]:
            done = ("yes" if night[key] else "no" for key in ("site", "mailed"))
            head = line["commit"][:10]
            row = (night["date"], line["branch"], line["flavor"], line["outcome"], head, *done)
            table.add_row(*map(cell, row))
    print_table(table)
    say = context.show.say
    for night in told["nights"]:
        for line in night["lines"]:
            if line["error"]:
                say(f"{night['date']} {line['branch']} {line['flavor']}: {line['error']}")
    say("A night is at work just now." if told["at_work"] else "No night is at work.")
    nobody = "no timer is installed (patchbench nightly --install FILE, or --cron)"
    say(f"Next: {told['next'] or nobody}")
    for key in ("overdue", "unfinished"):
        if told[key]:
            say(f"{key.capitalize()}: {', '.join(told[key])}")
    budget = told["disk"]["budget"]
    of = f" of {budget / 1e9:.1f} GB" if budget else ", no budget"
    say(f"Disk: {told['disk']['bytes'] / 1e9:.2f} GB{of}")


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
    """A night as JSON: the fields of `bench.nightly.report.NightReport`, and its outcome."""
    return {"outcome": report.outcome, **documents.dump(report)}


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


def finding_told(finding: ConfirmedFinding) -> str:
    """A suspicion, with the interval of the session that measured it again."""
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
