"""The site of a history: what `patchbench nightly site` is asked for it."""

from __future__ import annotations

import argparse

from bench import arguments as types
from bench.jobs import site as sites
from bench.jobs.context import Context


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the history is and the site goes, in place of what a nightly file says."""
    group = parser.add_argument_group("the site, where the nightly file does not say")
    group.add_argument(
        "--history",
        type=types.filled,
        metavar="WHERE",
        help="a history: a file, or postgresql://USER@HOST/DATABASE",
    )
    group.add_argument("--out", type=types.path, metavar="DIR", help="the site's folder")


def run_site(context: Context, options: argparse.Namespace) -> int:
    """Write the site of a history into a folder."""
    return sites.site(context, options.history, options.out, as_json=options.json)
