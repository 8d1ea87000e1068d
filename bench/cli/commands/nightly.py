"""nightly: run the nights of a nightly file, show their status, write the site, install a timer."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option
from builder.errors import UsageError

if TYPE_CHECKING:
    from bench.context import Context

DEFAULT = Path("nightly.toml")
_ACTIONS = ("status", "site")


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    nightly = add("nightly", _nightly)
    nightly.add_argument(
        "words",
        nargs="*",
        type=arguments.nonempty,
        metavar="[status|site] FILE",
        help="run the night of a nightly file (TOML; default: nightly.toml), show the status of "
        "its nights, or write its site",
    )
    night = nightly.add_argument_group("the night")
    night.add_argument(
        "--date", type=arguments.day, metavar="YYYY-MM-DD", help="date of the night; default: today"
    )
    night.add_argument(
        "--catch-up",
        action="store_true",
        help="first measure missed nights, in order, each with the head of its day",
    )
    start = nightly.add_argument_group("how nights are started").add_mutually_exclusive_group()
    start.add_argument(
        "--install", action="store_true", help="write and enable a systemd service and timer"
    )
    start.add_argument("--cron", action="store_true", help="print a line for crontab")
    nightly.add_argument(
        "--system",
        action="store_true",
        help="with --install: install a system service, not one of the user",
    )
    add_site_arguments(nightly)
    json_option(nightly)


def _nightly(context: Context, options: argparse.Namespace) -> int:
    from bench.nightly import job, load, status, timer

    action, file = _action_and_file(options.words)
    _check(action, options)
    if action == "site":
        return run_site(context, _with_site_paths(options, file))
    config = load(file)
    if action == "status":
        return status.status(context, config, as_json=options.json)
    if options.install:
        return timer.install(
            context, config, system=options.system, environment=options.environment
        )
    if options.cron:
        return timer.cron(context, config)
    day: datetime.date | None = options.date
    request = job.NightRequest(
        day=day,
        catch_up=options.catch_up,
        as_json=options.json,
        environment=options.environment,
    )
    return job.nightly(context, config, request)


def _with_site_paths(options: argparse.Namespace, file: Path) -> argparse.Namespace:
    """The options, with history and site from the nightly file unless both are given; only then
    must the file exist.
    """
    from bench.nightly import load

    if not (options.history and options.out):
        config = load(file)
        options.history = options.history or config.history
        options.out = options.out or config.site
    if options.out is None:
        raise UsageError("The nightly file has no [site].", hint="Name a folder with --out.")
    return options


def _check(action: str, options: argparse.Namespace) -> None:
    """Refuse options that would have no effect."""
    if options.system and not options.install:
        raise UsageError("--system requires --install.", hint="Add --install, or remove --system.")
    if action != "site" and (options.history or options.out):
        raise UsageError(
            "--history and --out are options of `nightly site`.",
            hint="For a night, the nightly file sets the history and the site.",
        )


def _action_and_file(words: list[str]) -> tuple[str, Path]:
    """The action ("" runs a night) and the nightly file."""
    action = words[0] if words and words[0] in _ACTIONS else ""
    rest = words[1:] if action else words
    if len(rest) > 1:
        raise UsageError(
            f"Too many arguments: {' '.join(rest)}.",
            hint=f"patchbench nightly [{'|'.join(_ACTIONS)}] [FILE]",
        )
    return action, Path(rest[0]) if rest else DEFAULT


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for history and site, which replace those of the nightly file."""
    group = parser.add_argument_group("the site, instead of what the nightly file says")
    group.add_argument(
        "--history",
        type=arguments.nonempty,
        metavar="WHERE",
        help="the history: a file, or postgresql://USER@HOST/DATABASE",
    )
    group.add_argument(
        "--out", type=arguments.path, metavar="DIR", help="folder to write the site to"
    )


def run_site(context: Context, options: argparse.Namespace) -> int:
    """Write the site of a history into a folder; return the exit code."""
    from bench.site import write_site

    return write_site(context, options.history, options.out, as_json=options.json)
