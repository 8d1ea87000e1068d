"""calibrate: measure which protocol is best on this host."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option
from bench.cli.options import option

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    from bench.jobs.calibrate import job

    calibrate = add("calibrate", _calibrate)
    calibrate.add_argument(
        "--base",
        type=arguments.nonempty,
        metavar="REV",
        help="a branch, tag or commit, or the key of a stored build; default: the build that was "
        "used last, otherwise that of the quickstart",
    )
    option(calibrate, "source")
    option(
        calibrate,
        "blocks",
        default=job.ENOUGH,
        help=f"blocks of each benchmark under each protocol; default: {job.ENOUGH}",
    )
    calibrate.add_argument(
        "--benchmarks",
        type=arguments.names,
        default=(),
        metavar="NAMES",
        help="names and tags, separated by commas; default: some of each class",
    )
    option(calibrate, "budget", help="longest time for measuring: 10m, 1h")
    option(calibrate, "wheels")
    json_option(calibrate)


def _calibrate(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.calibrate import job
    from bench.util import seconds_of

    request = job.CalibrationRequest(
        base=options.base or "",
        source=options.source or "",
        blocks=options.blocks,
        words=options.benchmarks,
        budget=seconds_of(options.budget) if options.budget else None,
        wheels=options.wheels or "",
    )
    return job.calibrate(context, request, as_json=options.json)
