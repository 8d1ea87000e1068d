"""bisect: the commit that made a benchmark faster or slower; a step of it for git bisect."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import arguments as types
from bench.cli.common import Add, json_option
from bench.cli.options import option, several
from builder.errors import UsageError

if TYPE_CHECKING:
    from bench.context import Context
    from bench.experiments import SessionOptions
    from bench.jobs.bisect import BisectRequest

_STEP = """\
under git's own bisection, which chooses the commits, in a clone of CPython:
  git bisect start BAD GOOD
  git bisect run patchbench bisect GOOD BAD --benchmark NAME --step

Exits with 0 if the commit that is checked out is on GOOD's side, with 1 on BAD's, with 125 if it
cannot be judged, and with 128 on any error, so that git stops.
"""
BLOCKS = 15


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    bisect = add("bisect", _bisect)
    bisect.formatter_class = argparse.RawDescriptionHelpFormatter
    bisect.epilog = f"{_STEP}\n{bisect.epilog}"
    bisect.add_argument("good", type=types.filled, metavar="GOOD", help="an older revision")
    bisect.add_argument("bad", type=types.filled, metavar="BAD", help="a later one that changed")
    bisect.add_argument(
        "--benchmark",
        type=types.names,
        required=True,
        metavar="NAMES",
        help="which to measure, with ,; the geometric mean of several",
    )
    bisect.add_argument(
        "--suite", type=types.filled, metavar="MANIFEST", help="of a suite with a manifest"
    )
    bisect.add_argument(
        "--source",
        type=types.filled,
        metavar="WHERE",
        help="git, a URL or a path; default: git, with --step the folder one is in",
    )
    bisect.add_argument(
        "--step",
        nargs="?",
        const="HEAD",
        type=types.filled,
        metavar="REV",
        help="judge this one commit and stop; default: HEAD",
    )
    _search_options(bisect.add_argument_group("how to search"))
    _session_options(bisect.add_argument_group("how to build and measure each commit"))
    json_option(bisect)


def _search_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--skip",
        action="append",
        default=[],
        type=types.filled,
        metavar="REV",
        help="do not ask about this commit; again for more",
    )
    group.add_argument(
        "--first-parent", action="store_true", help="blame a merge for what it brought"
    )
    group.add_argument("--out", type=types.path, metavar="DIR", help="results folder")


def _session_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--pgo", action="store_true", help="build with PGO")
    group.add_argument("--lto", action="store_true", help="build with LTO")
    option(group, "gate", default="core")
    option(
        group,
        "blocks",
        default=BLOCKS,
        help=f"blocks a commit, four times as many where they do not decide; default: {BLOCKS}",
    )
    option(group, "budget", help="of timing a commit: 90s, 10m, 2h")
    option(group, "replicas", default=1, help="builds of each commit")
    option(group, "margin", help="a change is to be larger; default: 0.01 (1%%)")
    option(group, "protocol", default="auto")
    several(group, "seed", "wheels")


def _bisect(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bisect import job as bisecting

    request = _request(options)
    if options.step is not None:
        return bisecting.step(context, request, options.step)
    return bisecting.bisect(context, request, as_json=options.json)


def _request(options: argparse.Namespace) -> BisectRequest:
    from bench.jobs.bisect import BisectRequest
    from builder.builds import Flavor
    from builder.sources import parse

    if options.replicas > options.blocks:
        raise UsageError(
            f"--replicas {options.replicas} are more than --blocks {options.blocks}.",
            hint="Blocks rotate over the replicas: as many, or more.",
        )
    here = "." if options.step is not None else ""
    manifest = (str(Path(options.suite).absolute()),) if options.suite else ()
    return BisectRequest(
        good=options.good,
        bad=options.bad,
        suite=(*manifest, *options.benchmark),
        source=parse(options.source or here),
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
        # Every commit is to be known alike: to stop early widens intervals.
        until="blocks",
    )
