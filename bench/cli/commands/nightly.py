"""nightly: the nights of a nightly file, their state, their site, and what starts them."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import arguments as types
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
    from bench.nightly import job as running
    from bench.nightly import load
    from bench.nightly import status as looking
    from bench.nightly import timer as installing

    action, file = _meant(options.words)
    _check(action, options)
    if action == "site":
        return run_site(context, _with_places(options, file))
    config = load(file)
    if action == "status":
        return looking.status(context, config, as_json=options.json)
    if options.install:
        return installing.install(
            context, config, system=options.system, environment=options.environment
        )
    if options.cron:
        return installing.cron(context, config)
    day: datetime.date | None = options.date
    request = running.NightRequest(
        day=day,
        catch_up=options.catch_up,
        as_json=options.json,
        environment=options.environment,
    )
    return running.nightly(context, config, request)


def _with_places(options: argparse.Namespace, file: Path) -> argparse.Namespace:
    """The options, with what they leave to the nightly file: it need not be there for nothing."""
    from bench.nightly import load

    if not (options.history and options.out):
        config = load(file)
        options.history = options.history or config.history
        options.out = options.out or config.site
    if options.out is None:
        raise UsageError("The nightly file has no [site].", hint="Name a folder with --out.")
    return options


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


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the history is and the site goes, in place of what a nightly file says."""
    group = parser.add_argument_group("the site, where the nightly file does not say")
    group.add_argument(
        "--history",
        type=types.filled,
        metavar="WHERE",
        help="a history: a file, or postgresql://USER@HOST/DATABASE",
    )
    group.add_argument("--out", type=types.path, metavar="DIR", help="the site's folder")


def run_site(context: Context, options: argparse.Namespace) -> int:
    """Write the site of a history into a folder."""
    from bench.site import write_site

    return write_site(context, options.history, options.out, as_json=options.json)
