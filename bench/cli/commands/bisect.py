"""bisect: find the commit that made a benchmark faster or slower, or judge one commit for git."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option
from bench.cli.options import option, several
from builder.errors import UsageError

if TYPE_CHECKING:
    from bench.context import Context
    from bench.experiments import SessionOptions
    from bench.jobs.bisect import BisectRequest

_STEP = """\
to let `git bisect` choose the commits, in a clone of CPython:
  git bisect start BAD GOOD
  git bisect run patchbench bisect GOOD BAD --benchmark NAME --step

Exits with 0 if the commit that is checked out is as fast as GOOD, with 1 if it is as fast as BAD,
with 125 if it cannot be judged, and with 128 on any error, so that git stops.
"""
BLOCKS = 15


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    bisect = add("bisect", _bisect)
    bisect.formatter_class = argparse.RawDescriptionHelpFormatter
    bisect.epilog = f"{_STEP}\n{bisect.epilog}"
    bisect.add_argument("good", type=arguments.nonempty, metavar="GOOD", help="an older revision")
    bisect.add_argument(
        "bad", type=arguments.nonempty, metavar="BAD", help="a later revision with the change"
    )
    bisect.add_argument(
        "--benchmark",
        type=arguments.names,
        required=True,
        metavar="NAMES",
        help="benchmarks to measure, separated by commas; of several, the geometric mean counts",
    )
    bisect.add_argument(
        "--suite",
        type=arguments.nonempty,
        metavar="MANIFEST",
        help="manifest of the suite that has the benchmarks",
    )
    bisect.add_argument(
        "--source",
        type=arguments.nonempty,
        metavar="WHERE",
        help="git, a URL or a path; default: git, with --step the current folder",
    )
    bisect.add_argument(
        "--step",
        nargs="?",
        const="HEAD",
        type=arguments.nonempty,
        metavar="REV",
        help="judge only this commit; default: HEAD",
    )
    _search_options(bisect.add_argument_group("how to search"))
    _session_options(bisect.add_argument_group("how to build and measure each commit"))
    json_option(bisect)


def _search_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--skip",
        action="append",
        default=[],
        type=arguments.nonempty,
        metavar="REV",
        help="never measure this commit; may be repeated",
    )
    group.add_argument(
        "--first-parent",
        action="store_true",
        help="report a merge instead of a commit merged by it",
    )
    group.add_argument("--out", type=arguments.path, metavar="DIR", help="folder for the results")


def _session_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--pgo", action="store_true", help="build with PGO")
    group.add_argument("--lto", action="store_true", help="build with LTO")
    option(group, "gate", default="core")
    option(
        group,
        "blocks",
        default=BLOCKS,
        help=f"blocks per commit, four times as many if they do not decide; default: {BLOCKS}",
    )
    option(group, "budget", help="longest time for timing a commit: 90s, 10m, 2h")
    option(group, "replicas", default=1, help="number of builds of each commit; default: 1")
    option(group, "margin", help="ignore smaller changes; default: 0.01 (1%%)")
    option(group, "protocol", default="auto")
    several(group, "seed", "wheels")


def _bisect(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bisect import job

    request = _request(options)
    if options.step is not None:
        return job.step(context, request, options.step)
    return job.bisect(context, request, as_json=options.json)


def _request(options: argparse.Namespace) -> BisectRequest:
    from bench.jobs.bisect import BisectRequest
    from builder.builds import Flavor
    from builder.sources import parse

    if options.replicas > options.blocks:
        raise UsageError(
            f"--replicas {options.replicas} is more than --blocks {options.blocks}.",
            hint="Blocks rotate over the replicas: use at least as many blocks as replicas.",
        )
    default_source = "." if options.step is not None else ""
    manifest = (str(Path(options.suite).absolute()),) if options.suite else ()
    return BisectRequest(
        good=options.good,
        bad=options.bad,
        suite=(*manifest, *options.benchmark),
        source=parse(options.source or default_source),
        skip=tuple(options.skip),
        flavor=Flavor(pgo=options.pgo, lto=options.lto),
        gate=options.gate,
        wheels=str(Path(options.wheels).absolute()) if options.wheels else "",
        session=_session(options),
        first_parent=options.first_parent,
        out=options.out,
    )


def _session(options: argparse.Namespace) -> SessionOptions:
    from bench.experiments import SessionOptions
    from bench.util import seconds_of

    return SessionOptions(
        margin=options.margin,
        blocks=options.blocks,
        budget=seconds_of(options.budget) if options.budget else None,
        protocol=options.protocol,
        seed=options.seed,
        replicas=options.replicas,
        # The same precision for every commit: stopping early would widen the intervals.
        until="blocks",
    )
