"""bundle, verify, reproduce: results that others can check."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments as types
from bench.cli.common import Add, json_option
from bench.cli.options import option, several

if TYPE_CHECKING:
    from bench.context import Context


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    bundle = add("bundle", _bundle)
    bundle.add_argument("folder", type=types.path, metavar="DIR", help="a run's results")
    bundle.add_argument("--out", type=types.path, metavar="FILE.tar.gz", help="the bundle")
    json_option(bundle)
    verify = add("verify", _verify)
    verify.add_argument("bundle", type=types.path, metavar="BUNDLE", help="what `bundle` wrote")
    verify.add_argument(
        "--source",
        type=types.filled,
        metavar="WHERE",
        help="apply its patches there too: git, debian, a URL or a path",
    )
    json_option(verify)
    reproduce = add("reproduce", _reproduce)
    reproduce.add_argument("bundle", type=types.path, metavar="BUNDLE", help="what `bundle` wrote")
    reproduce.add_argument("--out", type=types.path, metavar="DIR", help="results folder")
    _changes(reproduce.add_argument_group("where the bundle cannot tell, or otherwise"))
    json_option(reproduce)


def _changes(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--source", type=types.filled, metavar="WHERE", help="of CPython: git, debian, URL, path"
    )
    group.add_argument("--suite", type=types.filled, metavar="MANIFEST", help="of its own suite")
    group.add_argument(
        "--wheels",
        type=types.filled,
        metavar="DIR",
        help="install requirements from this folder alone",
    )
    group.add_argument(
        "--runtime",
        action="append",
        default=[],
        type=types.pair,
        metavar="ARM=NAME",
        help="the runtime (a name or a path) of an arm that was not built",
    )
    option(group, "gate", help="tests before any timing; default: the bundle's")
    several(group, "budget", "blocks", "seed")


def _bundle(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bundle import pack as bundling

    return bundling.bundle(context, options.folder, out=options.out, as_json=options.json)


def _verify(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bundle import verify as verifying

    return verifying.verify(context, options.bundle, origin=options.source, as_json=options.json)


def _reproduce(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.bundle import PlanOverrides
    from bench.jobs.bundle import reproduce as reproducing

    overrides = PlanOverrides(
        source=options.source or "",
        suite=options.suite or "",
        wheels=options.wheels or "",
        gate=options.gate or "",
        budget=options.budget or "",
        blocks=options.blocks,
        seed=options.seed,
        runtimes=dict(options.runtime),
    )
    return reproducing.reproduce(
        context, options.bundle, out=options.out, overrides=overrides, as_json=options.json
    )
