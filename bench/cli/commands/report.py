"""report: results rendered again, in any format, and a page that leads to several."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments as types
from bench.cli.common import Add

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    from bench.report.formats import FORMATS, OF_A_RUN, PRINTED

    report = add("report", _report)
    report.add_argument(
        "folders", nargs="+", type=types.path, metavar="DIR", help="a run's results"
    )
    report.add_argument(
        "--format",
        type=types.formats,
        default=OF_A_RUN,
        metavar="NAMES",
        help=f"with , between them; written into DIR: {', '.join(FORMATS)}; printed: "
        f"{', '.join(PRINTED)}; default: {','.join(OF_A_RUN)}",
    )
    report.add_argument(
        "--index", type=types.path, metavar="FILE", help="also a page that leads to their reports"
    )


def _report(context: Context, options: argparse.Namespace) -> int:
    from bench.run import rerender as reporting

    return reporting.report(context, options.folders, formats=options.format, index=options.index)
