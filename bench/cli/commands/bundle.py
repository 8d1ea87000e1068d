"""bundle, verify, reproduce: results that others can check."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option
from bench.cli.options import option, several
from builder.errors import UsageError

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    bundle = add("bundle", _bundle)
    bundle.add_argument(
        "folder", type=arguments.path, metavar="DIR", help="results folder of a run"
    )
    bundle.add_argument(
        "--out", type=arguments.path, metavar="FILE.tar.gz", help="file to write the bundle to"
    )
    json_option(bundle)
    verify = add("verify", _verify)
    verify.add_argument(
        "bundle", type=arguments.path, metavar="BUNDLE", help="a file written by `bundle`"
    )
    verify.add_argument(
        "--source",
        type=arguments.nonempty,
        metavar="WHERE",
        help="also check that its patches apply there: git, debian, a URL or a path",
    )
    json_option(verify)
    reproduce = add("reproduce", _reproduce)
    reproduce.add_argument(
        "bundle", type=arguments.path, metavar="BUNDLE", help="a file written by `bundle`"
    )
    reproduce.add_argument(
        "--out", type=arguments.path, metavar="DIR", help="folder for the results"
    )
    _changes(reproduce.add_argument_group("settings that the bundle lacks, or that are to differ"))
    json_option(reproduce)


def _changes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--source",
        type=arguments.nonempty,
        metavar="WHERE",
        help="source of CPython: git, debian, URL, path",
    )
    group.add_argument(
        "--suite", type=arguments.nonempty, metavar="MANIFEST", help="manifest of its suite"
    )
    group.add_argument(
        "--wheels",
        type=arguments.nonempty,
        metavar="DIR",
        help="install requirements from this folder only",
    )
    group.add_argument(
        "--runtime",
        action="append",
        default=[],
        type=arguments.pair,
        metavar="ARM=NAME",
        help="the runtime (a name or a path) of an arm that is no build; may be repeated",
    )
    option(group, "gate", help="tests to pass before any timing; default: the bundle's")
    several(group, "budget", "blocks", "seed")


def _bundle(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bundle import pack

    return pack.bundle(context, options.folder, out=options.out, as_json=options.json)


def _verify(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bundle import verify

    return verify.verify(context, options.bundle, origin=options.source, as_json=options.json)


def _reproduce(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bundle import PlanOverrides, reproduce

    overrides = PlanOverrides(
        source=options.source or "",
        suite=options.suite or "",
        wheels=options.wheels or "",
        gate=options.gate or "",
        budget=options.budget or "",
        blocks=options.blocks,
        seed=options.seed,
        runtimes=_runtimes(options.runtime),
    )
    return reproduce.reproduce(
        context, options.bundle, out=options.out, overrides=overrides, as_json=options.json
    )


def _runtimes(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    runtimes = dict(pairs)
    for arm, name in pairs:
        if runtimes[arm] != name:
            raise UsageError(
                f"--runtime names two runtimes of {arm}: {name} and {runtimes[arm]}.",
                hint="Keep one of them.",
            )
    return runtimes
