"""calibrate: which protocol measures best on this host."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments as types
from bench.cli.common import Add, json_option
from bench.cli.options import option

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    from bench.jobs.calibrate import job as calibrating

    calibrate = add("calibrate", _calibrate)
    calibrate.add_argument(
        "--base",
        type=types.filled,
        metavar="REV",
        help="a branch, tag or commit, or the key of a stored build; default: the build that was "
        "used last, else that of the quickstart",
    )
    option(calibrate, "source")
    option(
        calibrate,
        "blocks",
        default=calibrating.ENOUGH,
        help=f"of each benchmark under each protocol; default: {calibrating.ENOUGH}",
    )
    calibrate.add_argument(
        "--benchmarks",
        type=types.names,
        default=(),
        metavar="NAMES",
        help="names and tags, with ,; default: some of each class",
    )
    option(calibrate, "budget", help="of measuring: 10m, 1h")
    option(calibrate, "wheels")
    json_option(calibrate)


def _calibrate(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.calibrate import job as calibrating
    from bench.util import seconds_of

    request = calibrating.CalibrationRequest(
        base=options.base or "",
        source=options.source or "",
        blocks=options.blocks,
        words=options.benchmarks,
        budget=seconds_of(options.budget) if options.budget else None,
        wheels=options.wheels or "",
    )
    return calibrating.calibrate(context, request, as_json=options.json)
