"""Options that several commands take."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bench import arguments as types
from bench.experiment import GATES, PROTOCOLS, UNTIL
from bench.variants import VARIANTS

Add = Callable[..., argparse.ArgumentParser]
"""Adds a command: its name, its function of a context and options, and one line on what it does."""


def json_option(parser: argparse.ArgumentParser) -> None:
    """--json, wherever there is data to print."""
    parser.add_argument("--json", action="store_true", help="print data as JSON")


def experiment_options(parser: argparse.ArgumentParser) -> None:
    """An experiment: a file, or what one would say, and changes to it."""
    parser.add_argument(
        "file", nargs="?", type=types.path, metavar="FILE", help="an experiment (TOML)"
    )
    arms = parser.add_argument_group("instead of a file")
    arms.add_argument("--base", type=types.filled, metavar="REV", help="a branch, tag or commit")
    arms.add_argument(
        "--patch",
        action="append",
        default=[],
        type=types.filled,
        metavar="FILE",
        help="a diff, - for stdin; again for more",
    )
    arms.add_argument(
        "--series",
        action="append",
        default=[],
        type=types.filled,
        metavar="BRANCH/NAME",
        help="of patches/; again for more",
    )
    arms.add_argument(
        "--candidate", type=types.filled, metavar="REV", help="a branch or commit of the source"
    )
    arms.add_argument(
        "--variant",
        choices=VARIANTS,
        help="run compiled code: the benchmarks' own Python unchanged, with types, or by hand",
    )
    arms.add_argument(
        "--runtime", type=types.filled, metavar="NAME", help="another Python: a name or a path"
    )
    arms.add_argument(
        "--source", type=types.filled, metavar="WHERE", help="git, debian, a URL or a path"
    )
    arms.add_argument("--pgo", action="store_true", help="all arms with PGO")
    arms.add_argument("--lto", action="store_true", help="all arms with LTO")
    both = parser.add_argument_group("changes to the experiment")
    both.add_argument(
        "--suite",
        type=types.filled,
        metavar="NAMES",
        help="quick, core, full, or names and tags, with ,",
    )
    both.add_argument("--gate", choices=GATES, help="tests before any timing; default: core")
    both.add_argument(
        "--budget", type=types.duration, metavar="TIME", help="of the timing part: 90s, 10m, 2h"
    )
    both.add_argument(
        "--blocks", type=types.whole(2, 1000), metavar="N", help="blocks a benchmark, at most"
    )
    both.add_argument(
        "--until", choices=UNTIL, help="stop when all is decided, or after the blocks"
    )
    both.add_argument(
        "--replicas", type=types.whole(1, 20), metavar="N", help="builds of each arm; default: 1"
    )
    # None where it is not given: a file may ask for it.
    both.add_argument(
        "--aa", action="store_true", default=None, help="add an arm: the base against itself"
    )
    both.add_argument(
        "--placebos",
        type=types.whole(0, 20),
        metavar="N",
        help="add N arms of which nothing but the layout differs from the base",
    )
    both.add_argument("--protocol", choices=PROTOCOLS, help="how a block's processes share the CPU")
    both.add_argument(
        "--seed", type=types.whole(0, 2**32 - 1), metavar="N", help="of all that is drawn"
    )
    both.add_argument(
        "--wheels",
        type=types.filled,
        metavar="DIR",
        help="install requirements from this folder alone",
    )
