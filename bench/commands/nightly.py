"""nightly: the nights of a nightly file, their state, and what starts them."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from bench import arguments as types
from bench.commands.options import Add, json_option
from bench.commands.site import add_site_arguments
from bench.jobs import nightly as running
from bench.jobs import nightly_install as installing
from bench.jobs import nightly_status as looking
from bench.jobs import site as sites
from bench.jobs.context import Context
from bench.nightly import load
from builder.errors import UsageError

DEFAULT = Path("nightly.toml")
_ACTIONS = ("status", "site")


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    nightly = add("nightly", _nightly, "measure every branch and flavor whose head moved, and tell")
    nightly.add_argument(
        "words",
        nargs="*",
        type=types.filled,
        metavar="[status|site] FILE",
        help="run the night of a nightly file (TOML; nightly.toml), tell how its nights are, or "
        "write its site",
    )
    night = nightly.add_argument_group("the night")
    night.add_argument(
        "--date", type=types.day, metavar="YYYY-MM-DD", help="the night's date; default: today"
    )
    night.add_argument(
        "--catch-up", action="store_true", help="measure the heads of missed nights first, in order"
    )
    start = nightly.add_argument_group("what starts it").add_mutually_exclusive_group()
    start.add_argument(
        "--install", action="store_true", help="write and enable a systemd service and timer"
    )
    start.add_argument("--cron", action="store_true", help="print a line for crontab instead")
    nightly.add_argument(
        "--system", action="store_true", help="with --install: the system's units, not the user's"
    )
    add_site_arguments(nightly)
    json_option(nightly)


def _nightly(context: Context, options: argparse.Namespace) -> int:
    action, file = _meant(options.words)
    _check(action, options)
    if action == "site" and options.history and options.out:
        return sites.site(context, options.history, options.out, as_json=options.json)
    config = load(file)
    if action == "site":
        where, out = options.history or config.history, options.out or config.site
        if out is None:
            raise UsageError("The nightly file has no [site].", hint="Name a folder with --out.")
        return sites.site(context, where, out, as_json=options.json)
    if action == "status":
        return looking.status(context, config, as_json=options.json)
    if options.install:
        return installing.install(context, config, system=options.system)
    if options.cron:
        return installing.cron(context, config)
    day: datetime.date | None = options.date
    request = running.Request(day=day, catch_up=options.catch_up, as_json=options.json)
    return running.nightly(context, config, request)


def _check(action: str, options: argparse.Namespace) -> None:
    """Refuse options that would do nothing."""
    if options.system and not options.install:
        raise UsageError("--system goes with --install.", hint="Give both, or leave it out.")
    if action != "site" and (options.history or options.out):
        raise UsageError(
            "--history and --out go with `nightly site`.",
            hint="The nightly file says where a night's history and site are.",
        )


def _meant(words: list[str]) -> tuple[str, Path]:
    """What is to be done, "" for the night itself, and with which file."""
    action = words[0] if words and words[0] in _ACTIONS else ""
    rest = words[1:] if action else words
    if len(rest) > 1:
        raise UsageError(
            f"Too many words: {' '.join(rest)}.",
            hint=f"patchbench nightly [{'|'.join(_ACTIONS)}] [FILE]",
        )
    return action, Path(rest[0]) if rest else DEFAULT
