"""hot: compile the hot modules of a user's program and measure the difference."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option
from bench.cli.options import option, several

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    parser = add("hot", _hot)
    parser.add_argument(
        "--python",
        type=arguments.nonempty,
        metavar="WHICH",
        help="interpreter: a path, a program on PATH, or the key of a stored build; default: that "
        "of the script's first line, otherwise the unpatched build used last, otherwise the one "
        "that runs patchbench",
    )
    parser.add_argument(
        "--modules",
        type=arguments.names,
        default=(),
        metavar="NAMES",
        help="modules to compile, separated by commas (__main__ is the script); default: each "
        "module of the program that takes at least a tenth of its time",
    )
    parser.add_argument(
        "--stdin", type=arguments.path, metavar="FILE", help="standard input of the program"
    )
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        type=arguments.path,
        metavar="FILE",
        help="also compare this output file, written outside the current folder; may be repeated",
    )
    parser.add_argument("--out", type=arguments.path, metavar="DIR", help="folder for the results")
    _measuring(parser)
    json_option(parser)
    parser.add_argument("script", type=arguments.nonempty, metavar="SCRIPT", help="a Python script")
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="ARGUMENTS", help="arguments of the script"
    )


def _measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--clock",
        choices=("cpu", "wall"),
        default="cpu",
        help="time to compare: CPU time including child processes (default), or elapsed time",
    )
    option(parser, "blocks", help="pairs of runs; default: 5 to 40, as the budget allows")
    option(parser, "budget", default="60s", help="longest time for measuring; default: 60s")
    parser.add_argument(
        "--timeout",
        type=arguments.duration,
        default="10m",
        metavar="TIME",
        help="longest time for one run; default: 10m",
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
