"""run, build: run an experiment, or only build its arms."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option, times_option
from bench.cli.options import experiment_options, experiment_request

if TYPE_CHECKING:
    from bench.context import Context
    from bench.experiments import Experiment


def add_commands(add: Add) -> None:
    """Add the commands of this module."""
    run = add("run", _run)
    experiment_options(run)
    run.add_argument("--out", type=arguments.path, metavar="DIR", help="folder for the results")
    run.add_argument("--dry-run", action="store_true", help="print the plan and every command")
    run.add_argument(
        "--fail-on",
        choices=("slower", "faster", "undecided", "different"),
        help="exit with 1 if the suite or any benchmark of a candidate has this verdict",
    )
    times_option(run)
    json_option(run)
    build = add("build", _build)
    experiment_options(build)
    json_option(build)


def _build(context: Context, options: argparse.Namespace) -> int:
    from bench.run import run

    return run.build_only(context, _experiment(context, options), as_json=options.json)


def _run(context: Context, options: argparse.Namespace) -> int:
    from bench.run import run

    return run.run(
        context,
        _experiment(context, options),
        out=options.out,
        dry_run=options.dry_run,
        fail_on=options.fail_on,
        as_json=options.json,
        times=options.times,
    )


def _experiment(context: Context, options: argparse.Namespace) -> Experiment:
    from bench.experiments import experiment_of

    request = experiment_request(options)
    if request.file is not None:
        request = replace(request, file=context.experiment_file(request.file))
    return experiment_of(request)
