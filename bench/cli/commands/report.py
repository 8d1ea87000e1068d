"""report: write the reports of results folders again, and a page that links to them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, times_option

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    from bench.report.formats import FORMATS, OF_A_RUN, PRINTED

    report = add("report", _report)
    report.add_argument(
        "folders", nargs="+", type=arguments.path, metavar="DIR", help="results folder of a run"
    )
    report.add_argument(
        "--format",
        type=arguments.formats,
        default=OF_A_RUN,
        metavar="NAMES",
        help=f"formats, separated by commas; written into DIR: {', '.join(FORMATS)}; printed: "
        f"{', '.join(PRINTED)}; default: {','.join(OF_A_RUN)}",
    )
    report.add_argument(
        "--index",
        type=arguments.path,
        metavar="FILE",
        help="also write a page that links to the reports",
    )
    times_option(report)


def _report(context: Context, options: argparse.Namespace) -> int:
    from bench.run import rerender

    return rerender.report(
        context,
        options.folders,
        formats=options.format,
        index=options.index,
        times=options.times,
    )
