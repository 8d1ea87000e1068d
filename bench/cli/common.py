"""What the module of every command needs: how it adds commands, and the option that most take."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Add = Callable[..., argparse.ArgumentParser]
"""Adds a command: its name, and its function of a context and options. Gives its parser."""


def json_option(parser: argparse.ArgumentParser) -> None:
    """--json, wherever there is data to print."""
    parser.add_argument("--json", action="store_true", help="print data as JSON")
