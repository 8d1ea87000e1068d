"""How the nights are doing: the last ones, the next, what is overdue, the disk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from rich.table import Table

from bench.jobs.context import Context
from bench.jobs.inspect import cell, print_json, print_table
from bench.jobs.nightly_install import SYSTEM, user_folder
from bench.jobs.nightly_keep import disk_use
from bench.nightly import Nightly
from bench.nights import Night, Nights, due, missing, next_run
from bench.units import units

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


def _night(night: Night) -> dict[str, Any]:
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


def _failing(night: Night) -> list[str]:
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
