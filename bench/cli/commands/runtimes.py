"""runtimes: other interpreters that can be arms."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments as types
from bench.cli.common import Add, json_option

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    parser = add("runtimes", _runtimes)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--install",
        type=types.filled,
        metavar="NAME",
        help="provide pypy3, pypy2 or one with its version, from this machine's apt, without root",
    )
    what.add_argument(
        "--remove", type=types.filled, metavar="NAME", help="remove one that was provided"
    )
    json_option(parser)


def _runtimes(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.inventory import runtimes

    if options.install:
        return runtimes.install(context, options.install, as_json=options.json)
    if options.remove:
        return runtimes.remove(context, options.remove)
    return runtimes.show(context, as_json=options.json)
