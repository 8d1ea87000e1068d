"""doctor, sources, series, builds, compare, gc: commands that inspect and clean up."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option, times_option
from builder.errors import UsageError

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    json_option(add("doctor", _doctor))
    json_option(add("sources", _sources))
    _add_series(add)
    builds = add("builds", _builds)
    builds.add_argument("key", nargs="?", metavar="KEY", help="key of a build; default: list all")
    json_option(builds)
    compare = add("compare", _compare)
    compare.add_argument(
        "base", type=arguments.path, metavar="BASE.json", help="results of the base"
    )
    compare.add_argument(
        "candidate", type=arguments.path, metavar="CAND.json", help="results of the candidate"
    )
    compare.add_argument(
        "--margin",
        type=arguments.number(0.0001, 0.5),
        default=0.01,
        help="difference that counts as none; default: 0.01 (1%%)",
    )
    times_option(compare)
    json_option(compare)
    gc = add("gc", _gc)
    which = gc.add_mutually_exclusive_group()
    which.add_argument(
        "--build",
        action="append",
        default=[],
        metavar="KEY",
        help="remove this build; may be repeated",
    )
    which.add_argument(
        "--keep-days",
        type=arguments.number(0, 36500),
        default=30.0,
        metavar="N",
        help="remove builds that were unused for N days; default: 30",
    )
    which.add_argument("--all", action="store_true", help="remove all builds and every cache")
    gc.add_argument("--dry-run", action="store_true", help="only print what would be removed")


def _add_series(add: Add) -> None:
    series = add("series", _series)
    series.add_argument(
        "series",
        nargs="?",
        metavar="BRANCH/NAME",
        help="a series, or EXPERIMENT/NAME of a stack or flavor; BRANCH or EXPERIMENT: all in it",
    )
    which = series.add_mutually_exclusive_group()
    which.add_argument(
        "--record",
        type=arguments.path,
        metavar="DIR",
        help="record the verdict of a run beside the patches, from the run's results folder",
    )
    which.add_argument(
        "--render", action="store_true", help="write RESULT.md again from the recorded verdict"
    )
    series.add_argument(
        "--out",
        type=arguments.path,
        metavar="DIR",
        help="folder in which --record and --render write patches/ and experiments/; default: the "
        "checkout",
    )
    json_option(series)


def _doctor(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.inventory import builds

    return builds.check_host(context, as_json=options.json)


def _sources(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.inventory import builds

    return builds.sources(context, as_json=options.json)


def _series(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.series import listing, record

    name, out = options.series, options.out
    if options.record:
        return record.record(context, options.record, name=name, out=out, as_json=options.json)
    if options.render:
        return record.render(context, name=name, out=out)
    if out is not None:
        raise UsageError("--out goes with --record or --render.", hint="Leave it out.")
    return listing.series(context, name=options.series, as_json=options.json)


def _builds(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.inventory import builds

    return builds.builds(context, key=options.key, as_json=options.json)


def _gc(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.inventory import builds

    return builds.collect_garbage(
        context,
        keys=options.build,
        keep_days=options.keep_days,
        everything=options.all,
        dry_run=options.dry_run,
    )


def _compare(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.inventory import builds

    return builds.compare(
        context,
        options.base,
        options.candidate,
        margin=options.margin,
        as_json=options.json,
        times=options.times,
    )
