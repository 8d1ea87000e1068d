"""hot: a user's own program, its hot modules compiled."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments as types
from bench.cli.common import Add, json_option
from bench.cli.options import option, several

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    parser = add("hot", _hot)
    parser.add_argument(
        "--python",
        type=types.filled,
        metavar="WHICH",
        help="interpreter: a path, a program on PATH, or the key of a stored build; default: that "
        "of the script's first line, else the unpatched build used last, else patchbench's own",
    )
    parser.add_argument(
        "--modules",
        type=types.names,
        default=(),
        metavar="NAMES",
        help="compile these, with , between them (__main__ is the script); default: each of the "
        "program's own with a tenth of its time",
    )
    parser.add_argument("--stdin", type=types.path, metavar="FILE", help="what the program reads")
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        type=types.path,
        metavar="FILE",
        help="compare this file too, which the program writes elsewhere; again for more",
    )
    parser.add_argument("--out", type=types.path, metavar="DIR", help="results folder")
    _measuring(parser)
    json_option(parser)
    parser.add_argument("script", type=types.filled, metavar="SCRIPT", help="a Python script")
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="ARGUMENTS", help="what it is called with"
    )


def _measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--clock",
        choices=("cpu", "wall"),
        default="cpu",
        help="what is compared: CPU time with all children's (default), or the time that passes",
    )
    option(parser, "blocks", help="pairs of runs; default: as the budget allows, 5 to 40")
    option(parser, "budget", default="60s", help="of measuring: 60s")
    parser.add_argument(
        "--timeout", type=types.duration, default="10m", metavar="TIME", help="of one run: 10m"
    )
    several(parser, "margin", "seed", "wheels")


def _hot(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.hot import job
    from bench.util import seconds_of

    request = job.HotRequest(
        script=options.script,
        arguments=tuple(options.arguments),
        python=options.python or "",
        modules=options.modules,
        stdin=options.stdin,
        files=tuple(options.file),
        out=options.out,
        clock=options.clock,
        blocks=options.blocks,
        budget=seconds_of(options.budget),
        timeout=seconds_of(options.timeout),
        margin=options.margin,
        seed=options.seed,
        wheels=options.wheels or "",
        environment=options.environment,
    )
    return job.hot(context, request, as_json=options.json)
