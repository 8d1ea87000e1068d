"""The site of a history: what `patchbench nightly site` is asked for it."""

from __future__ import annotations

import argparse

from bench import arguments as types


def add_site_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the history is and the site goes, in place of what the nightly file says."""
    group = parser.add_argument_group("the site, when a nightly file does not say")
    group.add_argument(
        "--history",
        type=types.filled,
        metavar="WHERE",
        help="a history: a file, or postgresql://USER@HOST/DATABASE",
    )
    group.add_argument("--out", type=types.path, metavar="DIR", help="the site's folder")
