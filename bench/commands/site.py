"""The site of a history: what `patchbench nightly` is asked for it."""

from __future__ import annotations

import argparse

from bench import arguments as types
from bench.commands.options import json_option
from bench.jobs import site as sites
from bench.jobs.context import Context


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run_site` is told on the command line."""
    parser.add_argument(
        "--history",
        type=types.filled,
        required=True,
        metavar="WHERE",
        help="a history: a file, or postgresql://USER@HOST/DATABASE",
    )
    parser.add_argument(
        "--out", type=types.path, required=True, metavar="DIR", help="the site's folder"
    )
    json_option(parser)


def run_site(context: Context, options: argparse.Namespace) -> int:
    """Write the site of a history into a folder."""
    return sites.site(context, options.history, options.out, as_json=options.json)
