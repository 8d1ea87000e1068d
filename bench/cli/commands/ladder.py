"""ladder: measure each way of making Python faster, in one experiment."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option
from bench.cli.options import condition_changes, option, several

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    parser = add("ladder", _ladder)
    parser.add_argument(
        "--branch", required=True, type=arguments.nonempty, help="branch of CPython: 2.7, 3.13"
    )
    _arms(parser)
    _session(parser)
    parser.add_argument("--out", type=arguments.path, metavar="DIR", help="folder for the results")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and every command")
    json_option(parser)


def _arms(parser: argparse.ArgumentParser) -> None:
    from bench.run import STEPS

    group = parser.add_argument_group("steps of the ladder")
    group.add_argument(
        "--base",
        type=arguments.nonempty,
        metavar="REV",
        help="a branch, tag or commit; default: the branch",
    )
    option(group, "source")
    option(
        group,
        "series",
        help="a series of the branch; may be repeated; default: all that are compatible",
    )
    group.add_argument(
        "--runtime",
        type=arguments.nonempty,
        metavar="NAME",
        help="name or path of PyPy; default: pypy2 or pypy3, if installed",
    )
    group.add_argument(
        "--steps",
        type=arguments.names,
        default=",".join(STEPS),
        metavar="NAMES",
        help=f"steps, separated by commas; default: {','.join(STEPS)}",
    )
    group.add_argument(
        "--suite",
        type=arguments.suite,
        default="kernels,quick",
        metavar="NAMES",
        help="names and tags, separated by commas; default: kernels,quick",
    )


def _session(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it is measured")
    several(group, "gate", "budget", "blocks", "until", "protocol", "seed", "wheels")


def _ladder(context: Context, options: argparse.Namespace) -> int:
    from bench.experiments import Conditions, SessionOptions
    from bench.jobs.ladder import job

    changes = condition_changes(options)
    request = job.LadderRequest(
        branch=options.branch,
        revision=options.base or "",
        source=options.source or "",
        series=tuple(options.series),
        runtime=options.runtime or "",
        steps=options.steps,
        suite=options.suite,
        gate=changes.gate or Conditions().gate,
        wheels=changes.wheels,
        session=changes.session.applied(SessionOptions()),
    )
    return job.run_ladder(
        context, request, out=options.out, dry_run=options.dry_run, as_json=options.json
    )
