"""runtimes: other Python interpreters that can be arms of an experiment."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    parser = add("runtimes", _runtimes)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--install",
        type=arguments.nonempty,
        metavar="NAME",
        help="install pypy3, pypy2 or a certain version with apt's packages, without root",
    )
    what.add_argument(
        "--remove",
        type=arguments.nonempty,
        metavar="NAME",
        help="remove a runtime that --install installed",
    )
    json_option(parser)


def _runtimes(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.inventory import runtimes

    if options.install:
        return runtimes.install(context, options.install, as_json=options.json)
    if options.remove:
        return runtimes.remove(context, options.remove)
    return runtimes.show(context, as_json=options.json)
