"""Shared by the modules of all commands: the type of `add`, and options of commands that print."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Add = Callable[..., argparse.ArgumentParser]
"""Type of the function that adds a command: it takes the command's name and the function that runs
it (of a Context and the parsed options), and returns the command's parser."""


def json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json, for commands that print data."""
    parser.add_argument("--json", action="store_true", help="print the data as JSON")


def times_option(parser: argparse.ArgumentParser) -> None:
    """Add --no-times, for commands that print or write tables of comparisons."""
    parser.add_argument(
        "--no-times",
        dest="times",
        action="store_false",
        help="leave the columns of absolute times out of tables and reports; JSON keeps them",
    )
